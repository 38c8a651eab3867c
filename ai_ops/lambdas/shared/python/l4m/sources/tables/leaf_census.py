"""Which leaves and intervals there are, without their values: what a table of any size can be asked before it is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.errors import Fault, TooLarge

MOST_LEAVES = 4_000_000  # names of more do not fit the memory
_LATER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Population:
    """The leaves of a table in the order of their first interval, then of their names.

    Attributes
    ----------
    start : int
        Epoch seconds of the first interval's begin.
    occupied : bool array, shape (intervals,)
        Whether any row arrived.
    leaves : tuple of tuples of str
    first : int array, shape (leaves,)
        Number of the interval in which each leaf appears.
    hashes : uint64 array, shape (leaves,)
        What tells the leaves of a shard.
    """

    start: int
    occupied: NDArray[np.bool_]
    leaves: tuple[tuple[str, ...], ...]
    first: NDArray[np.int64]
    hashes: NDArray[np.uint64]


class LeafCensus:
    """Takes rows as ``ValueGrid`` does, and keeps when each leaf appeared."""

    def __init__(self) -> None:
        self.first = self.end = 0  # interval numbers
        self._appeared = np.full(0, _LATER, np.int32)
        self._leaves = 0
        self._occupied: set[int] = set()

    def expect(self, first: int, end: int) -> None:
        """Say beforehand which intervals will come; it does not matter here."""

    def cover(self, first: int, end: int, leaves: int) -> None:
        """Make room for intervals from ``first`` to before ``end`` and a number of leaves."""
        if self.end == self.first:
            self.first, self.end = first, end
        self.first, self.end = min(self.first, first), max(self.end, end)
        if leaves > MOST_LEAVES:
            raise TooLarge(Fault("data", f"there are more than {MOST_LEAVES:,} combinations of dimension values; is one an identifier?"))
        if leaves > len(self._appeared):
            self._appeared = np.concatenate([self._appeared, np.full(max(leaves, len(self._appeared)), _LATER, np.int32)])
        self._leaves = max(self._leaves, leaves)

    def add(self, measure: int, intervals: NDArray[np.int32], leaves: NDArray[np.int32], values: NDArray[np.float64]) -> None:
        """Note finite values; each interval and leaf must be covered."""
        if len(intervals):
            np.minimum.at(self._appeared, leaves, intervals)
            low = int(intervals.min())
            self._occupied.update((np.flatnonzero(np.bincount(intervals - low)) + low).tolist())

    def drop_last(self) -> None:
        """Leave the last interval out."""
        self.end -= 1
        self._occupied.discard(self.end)

    def span(self, first: int, end: int) -> None:
        """Reach over exactly the intervals from ``first`` to before ``end`` if no row arrived."""
        if self.end == self.first:
            self.first, self.end = first, end

    def filled(self) -> int:
        """How many cells hold a value is not known."""
        return 0

    def occupied(self) -> NDArray[np.bool_]:
        """Whether any row arrived, per covered interval."""
        arrived = np.zeros(self.end - self.first, np.bool_)
        arrived[[number - self.first for number in self._occupied]] = True
        return arrived

    def first_rows(self) -> NDArray[np.int64]:
        """The first interval of each leaf in which a row arrived, counted from the first that is covered."""
        first = self._appeared[: self._leaves].astype(np.int64) - self.first
        return np.minimum(first, self.end - self.first)
