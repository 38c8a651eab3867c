"""What a detector has learned, one object per interval end, and the pages of its value history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from l4m.engine.serialization import pack, unpack
from l4m.errors import StateUnreadable, Unreadable
from l4m.store.bucket import Bucket
from l4m.store.formats import FIRST, format_of, upgrade
from l4m.store.history import History


@dataclass(frozen=True)
class SavedState:
    """Everything the next run goes on from.

    ``monitor`` is the engine's own state, ``history`` the tail of values that fills no page yet, ``report`` what the
    last run found and has to publish, ``open_incidents`` the incidents that were open after it.
    """

    monitor: bytes
    history: History
    report: Mapping[str, Any] = field(default_factory=dict)
    open_incidents: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The same state always gives the same bytes."""
        notes = json.dumps({"format": format_of("state"), "report": self.report, "open_incidents": self.open_incidents})
        own = {"monitor": np.frombuffer(self.monitor, np.uint8), "notes": np.frombuffer(notes.encode(), np.uint8)}
        return pack({**own, **self.history.to_arrays()})

    @classmethod
    def from_bytes(cls, data: bytes) -> SavedState:
        """The state that was written; Unreadable when it is damaged or of a later version."""
        arrays = unpack(data)
        notes = json.loads(arrays["notes"].tobytes())
        notes = upgrade("state", notes.get("format", FIRST), notes, "what a detector learned")
        report, incidents = notes.get("report", {}), notes.get("open_incidents", ())
        return cls(arrays["monitor"].tobytes(), History.from_arrays(arrays), report, tuple(incidents))


@dataclass(frozen=True)
class SeriesStore:
    """States and history pages of one detector and generation."""

    bucket: Bucket
    prefix: str

    def save(self, end: int, state: SavedState, version: int = 0) -> str:
        """Write the state after the interval that ends at ``end``, on the way from a ``version`` of the pointer.

        The key names both and the content: a repeat writes the same, and no later run what another is about to delete.
        """
        content = state.to_bytes()
        key = f"{self.prefix}/state/{end:012d}-{version:06d}-{_fingerprint(content)}.arrays"
        self.bucket.put(key, content)
        return key

    def load(self, key: str) -> SavedState:
        """The state under a key that the pointer names; StateUnreadable when it is gone, damaged or of a later version."""
        content = self.bucket.get(key)
        if content is None:
            raise StateUnreadable(key, "is gone from the bucket")
        if not key.endswith(f"-{_fingerprint(content)}.arrays"):
            raise StateUnreadable(key, "is damaged: its content is not what its name says")
        try:
            return SavedState.from_bytes(content)
        except Unreadable as error:
            raise StateUnreadable(key, error.reason, is_newer=error.is_newer) from error

    def save_page(self, number: int, page: History) -> None:
        """Write a full page of history."""
        self.bucket.put(self._page_key(number), pack(page.to_arrays()))

    def load_page(self, number: int) -> History | None:
        """A page of history, None when there is none of that number, or none that can be read: values are for looking at."""
        content = self.bucket.get(self._page_key(number))
        try:
            return None if content is None else History.from_arrays(unpack(content))
        except Unreadable:
            return None

    def _page_key(self, number: int) -> str:
        return f"{self.prefix}/history/{number:08d}.arrays"


def _fingerprint(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
