"""Acting under a role that a user gave."""

from __future__ import annotations

from typing import Any

from l4m.errors import AccessDenied, SourceUnavailable
from l4m.service.context import Context

_REFUSED = {"AccessDenied", "AccessDeniedException", "NoSuchEntity"}


def user_client(context: Context, role_arn: str, service: str) -> Any:
    """A client under the role; AccessDenied when the service may not take it."""
    try:
        return context.clients.assume(role_arn, service)
    except context.clients.client("sts").exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _REFUSED:
            message = "has to exist, to be named like the parameter DataRoleNamePattern and to trust the role in the output ServiceRoleArn"
            raise AccessDenied(f"{role_arn} cannot be assumed: it {message}") from error
        raise SourceUnavailable(f"{role_arn}: {code}") from error
