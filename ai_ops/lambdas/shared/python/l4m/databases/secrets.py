"""Secrets of databases: where one is and what it is called; passwords are read where they are used, and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from l4m.errors import Fault, InvalidInput


@dataclass(frozen=True)
class Secret:
    """A secret of a database; what is private in it never shows when it is printed."""

    arn: str
    content: Mapping[str, Any] = field(repr=False)

    def text(self, key: str) -> str | None:
        """A value, None where the secret has none."""
        value = self.content.get(key)
        return str(value) if value else None


def read_secret(client: Any, name: str, keys: Sequence[str]) -> Secret:
    """Read a secret that must have some keys; everything wrong with it is reported at once."""
    try:
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        raise InvalidInput(Fault("secret_name", _refusal(name, error))) from error
    try:
        content = json.loads(answer["SecretString"])
    except (KeyError, ValueError) as error:
        raise InvalidInput(Fault("secret_name", f"the secret {name!r} holds no JSON object")) from error
    if not isinstance(content, dict):
        raise InvalidInput(Fault("secret_name", f"the secret {name!r} holds no JSON object"))
    missing = [Fault("secret_name", f"the secret {name!r} has no {key!r}") for key in keys if not content.get(key)]
    if missing:
        raise InvalidInput(*missing)
    return Secret(answer["ARN"], content)


def _refusal(name: str, error: ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code == "ResourceNotFoundException":
        return f"the secret {name!r} does not exist"
    if code.startswith("AccessDenied"):
        return f"the secret {name!r} may not be read by this stack; it was deployed for another one"
    return f"the secret {name!r} cannot be read: {code}"
