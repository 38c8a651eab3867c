"""What the state machine keeps between calls: results, and how long to wait until the next look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from l4m.connector.crawl_state import StateStore, Superseded
from l4m.errors import L4mError

if TYPE_CHECKING:  # each function loads its own half only
    from l4m.connector import detector, history

OWN = ("crawl", "detector")  # keys that the machine adds to the params


LOOKS_A_SECOND = 10  # so many looks at the same thing make each wait a second longer: 1,400 looks last longer than any limit


@dataclass(frozen=True)
class Patience:
    """How long to wait before the next look: at first, at most, and for a detector altogether."""

    first_seconds: int
    longest_seconds: int
    limit_seconds: int = 14400

    def next(self, before: Mapping[str, Any] | None) -> int:
        """Double the last wait up to the longest; after hundreds of looks wait longer still, for an execution has 25,000 events."""
        if not before:
            return self.first_seconds
        return max(min(2 * int(before["wait_seconds"]), self.longest_seconds), int(before.get("looks", 0)) // LOOKS_A_SECOND)


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


def crawl_result(event: Mapping[str, Any], progress: history.Progress, patience: Patience) -> dict[str, Any]:
    """What is kept as ``$.params.crawl``."""
    return {
        "status": "DONE" if progress.is_done else "RUNNING",
        "rows": progress.rows,
        "fingerprint": progress.fingerprint,
        "wait_seconds": patience.next(event["params"].get("crawl")),
        "looks": event["params"].get("crawl", {}).get("looks", 0) + 1,
    }


def detector_result(event: Mapping[str, Any], progress: detector.Progress, patience: Patience) -> dict[str, Any]:
    """What is kept as ``$.params.detector``; its changes add up over the calls."""
    before = event["params"].get("detector", {})
    wait = patience.next(before)
    waited = before.get("waited_seconds", 0) + wait
    if not progress.is_ready and waited > patience.limit_seconds:
        raise DetectorTooSlow(f"detector {progress.arn} is {progress.status} after {waited} s")
    return {
        "status": "DONE" if progress.is_ready else "RUNNING",
        "detector_status": progress.status,
        "activated": progress.activated,
        "arn": progress.arn,
        "changes": [*before.get("changes", ()), *progress.changes],
        "wait_seconds": wait,
        "waited_seconds": waited,
        "looks": before.get("looks", 0) + 1,
    }
