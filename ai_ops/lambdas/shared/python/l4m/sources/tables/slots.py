"""From time slots to intervals: a table that grows with the times that turn up."""

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

    def intervals(self, slots: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
        """The intervals of some slots; the second array holds the other interval of times that occur twice, or is None."""
        low, high = int(slots.min()), int(slots.max())
        if low < self._first or high >= self._first + len(self._once):
            self._extend(low, high)
        place = slots - np.int32(self._first)
        if not self._has_again:
            return self._once[place], None
        again = self._again[place]
        return self._once[place], again if (again != NONE).any() else None

    def _extend(self, low: int, high: int) -> None:
        if len(self._once):
            low, high = min(low, self._first), max(high, self._first + len(self._once) - 1)
        self._first = low - _SPARE
        self._once, self._again = self._clock.slots(self._first, high - low + 1 + 2 * _SPARE, self._is_utc)
        self._has_again = bool((self._again != NONE).any())
