"""Lists in pages: the position in, the sealed position out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from l4m.api.tokens import open_token, seal_token
from l4m.service.context import Context

MOST = 100  # results in a page, when the caller names no number


def answer_page(
    context: Context,
    operation: str,
    members: Mapping[str, Any],
    ask: Callable[[int, str | None], tuple[dict[str, Any], str | None]],
) -> dict[str, Any]:
    """What ``ask(limit, after)`` answers, with the token of the next page unless this is the last."""
    needs_secret = "NextToken" in members
    after = open_token(context.resources.paging_secret(), operation, members) if needs_secret else None
    answer, position = ask(members.get("MaxResults", MOST), after)
    if position is None:
        return answer
    token = seal_token(context.resources.paging_secret(), operation, members, position)
    return answer | {"NextToken": token}
