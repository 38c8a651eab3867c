"""Sums of rows in a dense table of intervals x leaves that grows as both turn up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from l4m.errors import Fault, TooLarge
from l4m.model import Aggregation

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

FLOAT32_MAX = float(np.finfo(np.float32).max)
CELL_LIMIT = 1_000_000_000  # intervals x series x measures; beyond it the table would not fit a machine's memory


class ValueGrid:
    """Totals and counts per measure, interval and leaf; rows are added a batch at a time."""

    def __init__(self, aggregations: tuple[Aggregation, ...], limit: int = CELL_LIMIT, series_limit: int | None = None) -> None:
        self.first = self.end = 0  # interval numbers
        self._aggregations = aggregations
        self._limit = limit
        self._series_limit = series_limit
        self._origin = 0
        self._expected: tuple[int, int] | None = None
        self._leaves = 0
        self._totals: list[Floats] = [np.zeros((0, 0)) for _ in aggregations]
        self._counts: list[NDArray[Any]] = [np.zeros((0, 0), _count_type(one)) for one in aggregations]

    def expect(self, first: int, end: int) -> None:
        """Say beforehand which intervals will come, so that the table need not grow towards them."""
        self._expected = (first, end)

    def cover(self, first: int, end: int, leaves: int) -> None:
        """Make room for intervals from ``first`` to before ``end`` and a number of leaves."""
        if self.end == self.first:
            self.first, self.end = first, end
        self.first, self.end = min(self.first, first), max(self.end, end)
        self._leaves = max(self._leaves, leaves)
        self._check_limit()
        intervals, columns = self._totals[0].shape
        if self.first < self._origin or self.end > self._origin + intervals or self._leaves > columns:
            self._grow(intervals, columns)

    def add(self, measure: int, intervals: Rows, leaves: Rows, values: Floats) -> None:
        """Add finite values; each interval and leaf must be covered."""
        total = self._totals[measure]
        count = self._counts[measure]
        place = intervals - np.intp(self._origin)
        place *= total.shape[1]
        place += leaves
        np.add.at(total.reshape(-1), place, values)
        if self._aggregations[measure] is Aggregation.AVG:
            np.add.at(count.reshape(-1), place, 1)
        else:
            count.reshape(-1)[place] = 1

    def drop_last(self) -> None:
        """Leave the last interval out."""
        self.end -= 1

    def coarsen(self, numbers: NDArray[np.int64]) -> None:
        """Make longer intervals of those that are covered; ``numbers`` says which each belongs to, in ascending order."""
        begins = np.flatnonzero(np.r_[True, np.diff(numbers) > 0])
        window = slice(self.first - self._origin, self.end - self._origin)
        counts = [np.add.reduceat(count[window].astype(np.uint32), begins, axis=0) for count in self._counts]
        for measure, total in enumerate(self._totals):
            longer = np.zeros((int(numbers[-1] - numbers[0]) + 1, total.shape[1]))
            times = np.zeros(longer.shape, _count_type(self._aggregations[measure]))
            longer[numbers[begins] - numbers[0]] = np.add.reduceat(total[window], begins, axis=0)
            times[numbers[begins] - numbers[0]] = counts[measure] if self._aggregations[measure] is Aggregation.AVG else counts[measure] > 0
            self._totals[measure] = longer
            self._counts[measure] = times
        self.first = self._origin = int(numbers[0])
        self.end = int(numbers[-1]) + 1

    def filled(self) -> int:
        """How many cells of the first measure hold a value."""
        return int(np.count_nonzero(self._counts[0]))

    def occupied(self) -> NDArray[np.bool_]:
        """Whether any row arrived, per covered interval."""
        window = slice(self.first - self._origin, self.end - self._origin)
        arrived = np.zeros(self.end - self.first, np.bool_)
        for count in self._counts:
            arrived |= count[window].any(axis=1)
        return arrived

    def span(self, first: int, end: int) -> None:
        """Make the table reach over exactly the intervals from ``first`` to before ``end``."""
        if self.end == self.first:
            self.first, self.end = first, end
            self._grow(0, 0)

    def first_rows(self) -> NDArray[np.int64]:
        """The first interval of each leaf in which a row arrived, counted from the first that is covered."""
        first = np.full(self._leaves, self.end - self.first)
        for count in self._counts:
            arrived = count[self.first - self._origin : self.end - self._origin, : self._leaves] > 0
            first = np.minimum(first, np.where(arrived.any(axis=0), arrived.argmax(axis=0), len(arrived)))
        return first

    def values(self, columns: NDArray[np.intp], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """The aggregated values, shape (measures, intervals, leaves in an order), NaN where no row arrived; empties the table."""
        first, last = self.first - self._origin, self.end - self._origin
        out = np.empty((len(self._totals), self.end - self.first, len(columns)), dtype)
        for measure in range(len(out)):
            total = self._totals[measure][first:last]
            count = self._counts[measure][first:last]
            for row in range(len(total)):
                out[measure, row] = _mean(total[row], count[row]).astype(dtype, copy=False)[columns]
            self._totals[measure] = np.zeros((0, 0))
            self._counts[measure] = np.zeros((0, 0), np.uint8)
        return out

    def _check_limit(self) -> None:
        series = self._leaves * len(self._totals)
        if self._series_limit is not None and series > self._series_limit:
            raise TooLarge(Fault("data", f"there are more than {self._series_limit:,} series"))
        cells = (self.end - self.first) * series
        if cells > self._limit:
            size = f"{self.end - self.first:,} intervals x {self._leaves:,} series x {len(self._totals)} measures"
            raise TooLarge(
                Fault("data", f"{size} are more than {self._limit:,} values; is a timestamp far off, or a dimension an identifier?")
            )

    def _grow(self, intervals: int, columns: int) -> None:
        columns = _capacity(self._leaves, columns)
        before = self._origin
        if not intervals:
            first, last = self._expected or (self.first, self.end)
            origin = min(first, self.first)
            end = max(last, self.end)
        else:
            origin = before if self.first >= before else min(self.first, before - intervals)
            end = before + intervals if self.end <= before + intervals else max(self.end, before + 2 * intervals)
        for measure, aggregation in enumerate(self._aggregations):
            shape = end - origin, columns
            self._totals[measure] = _copy(self._totals[measure], np.zeros(shape), before - origin)
            self._counts[measure] = _copy(self._counts[measure], np.zeros(shape, _count_type(aggregation)), before - origin)
        self._origin = origin


def _count_type(aggregation: Aggregation) -> type[np.uint32] | type[np.uint8]:
    return np.uint32 if aggregation is Aggregation.AVG else np.uint8


def _capacity(needed: int, present: int) -> int:
    return present if needed <= present else max(needed, 2 * present)


def _copy(old: NDArray[Any], new: NDArray[Any], shift: int) -> NDArray[Any]:
    if old.size:
        new[shift : shift + old.shape[0], : old.shape[1]] = old
    return new


def _mean(total: Floats, count: NDArray[Any]) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = np.clip(total / count, -FLOAT32_MAX, FLOAT32_MAX)
    return mean
