"""Acting under a role that a user gave, and reading sources with it."""

from __future__ import annotations

from functools import partial
from typing import Any

from l4m.errors import AccessDenied, SourceUnavailable
from l4m.service.context import Context
from l4m.sources.registry import find_source
from l4m.sources.source import Access, Settings, Source

_REFUSED = {"AccessDenied", "AccessDeniedException", "NoSuchEntity"}


def open_source(context: Context, settings: Settings) -> Source:
    """What reads a source, under the role that its settings name."""
    return find_source(settings).open(settings, Access(partial(user_client, context, settings.role_arn)))


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
