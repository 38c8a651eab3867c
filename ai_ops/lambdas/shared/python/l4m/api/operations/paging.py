"""Lists in pages: the position in, the sealed position out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from l4m.api.tokens import open_token, seal_token
from l4m.service.context import Context

_secrets: dict[str, bytes] = {}  # by table
MOST = 100  # results in a page, when the caller names no number


def answer_page(
    context: Context,
    operation: str,
    members: Mapping[str, Any],
    ask: Callable[[int, str | None], tuple[dict[str, Any], str | None]],
) -> dict[str, Any]:
    """What ``ask(limit, after)`` answers, with the token of the next page unless this is the last."""
    after = open_token(_secret(context), operation, members) if "NextToken" in members else None
    answer, position = ask(members.get("MaxResults", MOST), after)
    if position is None:
        return answer
    return answer | {"NextToken": seal_token(_secret(context), operation, members, position)}


def _secret(context: Context) -> bytes:
    """What seals tokens; a process reads it once, for it never changes."""
    name = context.table.name
    if name not in _secrets:
        _secrets[name] = context.resources.paging_secret()
    return _secrets[name]
