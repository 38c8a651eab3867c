"""What a detector has learned, one object per interval end, and the pages of its value history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from l4m.engine.serialization import pack, unpack
from l4m.store.bucket import Bucket
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
        notes = json.dumps({"report": self.report, "open_incidents": self.open_incidents})
        own = {"monitor": np.frombuffer(self.monitor, np.uint8), "notes": np.frombuffer(notes.encode(), np.uint8)}
        return pack({**own, **self.history.to_arrays()})

    @classmethod
    def from_bytes(cls, data: bytes) -> SavedState:
        """The state that was written."""
        arrays = unpack(data)
        notes = json.loads(arrays["notes"].tobytes())
        return cls(arrays["monitor"].tobytes(), History.from_arrays(arrays), notes["report"], tuple(notes["open_incidents"]))


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
        key = f"{self.prefix}/state/{end:012d}-{version:06d}-{sha256(content).hexdigest()[:16]}.arrays"
        self.bucket.put(key, content)
        return key

    def load(self, key: str) -> SavedState:
        """The state under a key that the pointer names."""
        content = self.bucket.get(key)
        if content is None:
            raise LookupError(f"state {key} is gone from the bucket")
        return SavedState.from_bytes(content)

    def save_page(self, number: int, page: History) -> None:
        """Write a full page of history."""
        self.bucket.put(self._page_key(number), pack(page.to_arrays()))

    def load_page(self, number: int) -> History | None:
        """A page of history, None when there is none of that number."""
        content = self.bucket.get(self._page_key(number))
        return None if content is None else History.from_arrays(unpack(content))

    def _page_key(self, number: int) -> str:
        return f"{self.prefix}/history/{number:08d}.arrays"
