"""What the state machine keeps between calls: results, and how long to wait until the next look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l4m.connector import detector, history
from l4m.connector.crawl_state import StateStore, Superseded
from l4m.errors import L4mError

OWN = ("crawl", "detector")  # keys that the machine adds to the params
LONGEST_WAIT = 12  # times the first wait


class DetectorTooSlow(L4mError):
    """The detector is still reading its history after all the time it was given."""


def uploaded_params(event: Mapping[str, Any]) -> dict[str, Any]:
    """The params as they were uploaded."""
    return {key: value for key, value in event["params"].items() if key not in OWN}


def check_owner(store: StateStore, version: str) -> None:
    """Refuse to go on for a version of params.json after which another one was accepted."""
    owner = store.load().owner
    if owner != version:
        raise Superseded(f"version {owner!r} of params.json was accepted after {version!r}")


def crawl_result(event: Mapping[str, Any], progress: history.Progress, wait_seconds: int) -> dict[str, Any]:
    """What is kept as ``$.params.crawl``."""
    return {
        "status": "DONE" if progress.is_done else "RUNNING",
        "rows": progress.rows,
        "fingerprint": progress.fingerprint,
        "wait_seconds": _next_wait(event["params"].get("crawl"), wait_seconds),
    }


def detector_result(event: Mapping[str, Any], progress: detector.Progress, wait_seconds: int, limit_seconds: int) -> dict[str, Any]:
    """What is kept as ``$.params.detector``; its changes add up over the calls."""
    before = event["params"].get("detector", {})
    wait = _next_wait(before, wait_seconds)
    waited = before.get("waited_seconds", 0) + wait
    if not progress.is_ready and waited > limit_seconds:
        raise DetectorTooSlow(f"detector {progress.arn} is {progress.status} after {waited} s")
    return {
        "status": "DONE" if progress.is_ready else "RUNNING",
        "detector_status": progress.status,
        "activated": progress.activated,
        "arn": progress.arn,
        "changes": [*before.get("changes", ()), *progress.changes],
        "wait_seconds": wait,
        "waited_seconds": waited,
    }


def _next_wait(before: Mapping[str, Any] | None, first: int) -> int:
    return min(2 * int(before["wait_seconds"]), LONGEST_WAIT * first) if before else first
