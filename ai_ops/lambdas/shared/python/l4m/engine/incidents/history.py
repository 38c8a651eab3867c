"""What came and what was due of every leaf in the last intervals: from it follow the onset and the place of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 2_000_000  # that are kept, measures and leaves together; with more leaves, the past is shorter

Floats = NDArray[np.float32]


class History:
    """A ring of intervals; arrays of shape (intervals, leaves, measures), ``came`` 1 where a row arrived."""

    def __init__(self, measures: int, leaves: int, longest: int) -> None:
        self._measures = measures
        length = max(2, min(longest, MOST_VALUES // max(1, leaves * measures)))
        self.value, self.due, self.came = (np.zeros((length, leaves, measures), np.float32) for _ in range(3))
        self.at = -1

    def grow(self, leaves: int) -> None:
        """Make room for leaves that have appeared."""
        more = leaves - self.value.shape[1]
        if more > 0:
            blank = np.zeros((len(self.value), more, self._measures), np.float32)
            self.value, self.due, self.came = (np.concatenate([one, blank], axis=1) for one in (self.value, self.due, self.came))

    def push(self, at: int, value: Floats, due: Floats, came: NDArray[np.bool_]) -> None:
        """Add interval number ``at``, the one after the last."""
        self.at = at
        slot = at % len(self.value)
        self.value[slot], self.due[slot], self.came[slot] = value, due, came

    def slots(self, first: int) -> NDArray[np.int64]:
        """Return where the intervals from ``first`` on lie, oldest first, as far back as is remembered."""
        first = max(first, self.at - len(self.value) + 1, 0)
        return np.arange(first, self.at + 1) % len(self.value)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything, by name."""
        return {"value": self.value, "due": self.due, "came": self.came.astype(np.uint8), "at": np.array([self.at])}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.value, self.due, self.at = arrays["value"], arrays["due"], int(arrays["at"][0])
        self.came = arrays["came"].astype(np.float32)
