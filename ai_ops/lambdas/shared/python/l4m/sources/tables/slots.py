"""From time slots to intervals: a table that grows with the times that turn up, and knows which of them did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.sources.tables.intervals import NONE, Clock

_SPARE = 4096


class SlotTable:
    """The interval of each slot, for UTC or for local times."""

    def __init__(self, clock: Clock, is_utc: bool) -> None:
        self._clock = clock
        self._is_utc = is_utc
        self._first = 0
        self._once = np.zeros(0, np.int32)
        self._again = np.zeros(0, np.int32)
        self._has_again = False
        self._seen = np.zeros(0, np.bool_)
        self._skipped = np.zeros(0, np.bool_)
        self._has_skipped = False

    def intervals(self, slots: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
        """The intervals of some slots; the second array holds the other interval of times that occur twice, or is None."""
        low, high = int(slots.min()), int(slots.max())
        if low < self._first or high >= self._first + len(self._once):
            self._extend(low, high)
        place = slots - np.int32(self._first)
        self._seen[place] = True
        if not self._has_again:
            return self._once[place], None
        again = self._again[place]
        return self._once[place], again if (again != NONE).any() else None

    def skipped(self, slots: NDArray[np.int32]) -> NDArray[np.bool_] | None:
        """Which of some slots, of which the intervals were asked, are local times that never occur; None where there are none."""
        if not self._has_skipped:
            return None
        found: NDArray[np.bool_] = self._skipped[slots - np.int32(self._first)]
        return found if found.any() else None

    def rests(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The intervals that rows came in, and how many slots each still had after the last of them."""
        seen = np.flatnonzero(self._seen)
        if not len(seen):
            return np.zeros(0, np.int32), np.zeros(0, np.int64)
        low = int(self._once[seen].min())
        size = int(self._once[seen].max()) - low + 1
        ends = np.full(size, -1)
        last = np.full(size, -1)
        places = np.flatnonzero((self._once >= low) & (self._once < low + size))
        np.maximum.at(ends, self._once[places] - low, places)
        np.maximum.at(last, self._once[seen] - low, seen)
        present = np.flatnonzero(last >= 0)
        return (present + low).astype(np.int32), ends[present] - last[present]

    def _extend(self, low: int, high: int) -> None:
        """Let the table reach over more slots, and as many again, so that it seldom has to grow."""
        seen = self._seen
        first = self._first
        if len(self._once):
            low, high = min(low, first), max(high, first + len(self._once) - 1)
        spare = max(_SPARE, (high - low) // 2)
        self._first = low - spare
        count = high - low + 1 + 2 * spare
        self._once, self._again = self._clock.slots(self._first, count, self._is_utc)
        self._has_again = bool((self._again != NONE).any())
        self._seen = np.zeros(count, np.bool_)
        self._seen[first - self._first : first - self._first + len(seen)] = seen
        if not self._is_utc:
            self._skipped = self._clock.is_skipped(np.arange(self._first, self._first + count, dtype=np.int64))
            self._has_skipped = bool(self._skipped.any())
