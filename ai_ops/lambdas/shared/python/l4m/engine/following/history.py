"""What came and what was due of every leaf in the last intervals: from it follow the onset and the place of an incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 2_000_000

Floats = NDArray[np.float32]


class History:
    """A ring of intervals; arrays of shape (intervals, leaves, measures)."""

    def __init__(self, measures: int, longest: int) -> None:
        self._longest, self._measures = longest, measures
        self.value, self.due, self.rows = (np.zeros((longest, 0, measures), np.float32) for _ in range(3))
        self.at = -1

    def grow(self, leaves: int) -> None:
        """Make room for leaves that have appeared."""
        more = leaves - self.value.shape[1]
        if more <= 0:
            return
        for name in ("value", "due", "rows"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros((len(array), more, self._measures), np.float32)], axis=1))

    def push(self, value: Floats, due: Floats, rows: Floats) -> None:
        """Add an interval."""
        self.at += 1
        slot = self.at % len(self.value)
        self.value[slot], self.due[slot], self.rows[slot] = value, due, rows

    def slots(self, first: int) -> NDArray[np.int64]:
        """Return where the intervals from ``first`` on lie, oldest first, as far back as is remembered."""
        first = max(first, self.at - len(self.value) + 1, 0)
        return np.arange(first, self.at + 1) % len(self.value)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything, by name."""
        return {"value": self.value, "due": self.due, "rows": self.rows, "at": np.array([self.at])}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.value, self.due, self.rows, self.at = arrays["value"], arrays["due"], arrays["rows"], int(arrays["at"][0])
