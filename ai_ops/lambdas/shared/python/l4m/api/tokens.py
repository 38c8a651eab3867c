"""NextToken: where a list goes on, sealed so that only tokens this service gave, for this very list, are taken."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from l4m.errors import Fault, InvalidInput

PAGING = ("MaxResults", "NextToken")
SEAL_BYTES = 16


def seal_token(secret: bytes, operation: str, members: Mapping[str, Any], position: str) -> str:
    """The token that goes on at a position of the list which those members ask for."""
    raw = position.encode()
    return base64.urlsafe_b64encode(_seal(secret, operation, members, raw) + raw).decode().rstrip("=")


def open_token(secret: bytes, operation: str, members: Mapping[str, Any]) -> str | None:
    """The position in a call's NextToken; None without one. A token of another list, or a damaged one, is refused."""
    token = members.get("NextToken")
    if token is None:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused() from error
    seal = raw[:SEAL_BYTES]
    position = raw[SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(secret, operation, members, position)):
        raise _refused()
    return position.decode()


def _seal(secret: bytes, operation: str, members: Mapping[str, Any], position: bytes) -> bytes:
    asked = {name: value for name, value in members.items() if name not in PAGING}
    message = json.dumps([operation, asked], sort_keys=True).encode() + b"\0" + position
    return hmac.digest(secret, message, hashlib.sha256)[:SEAL_BYTES]


def _refused() -> InvalidInput:
    return InvalidInput(Fault("NextToken", "is not a token that this call gave for this list"))
