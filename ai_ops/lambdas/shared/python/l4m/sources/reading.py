"""One pass over tables: each batch of rows is sorted out, counted, and added to its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.model import Aggregation, Measure, TimestampColumn
from l4m.sources.arrow import Batch, stream
from l4m.sources.cells import FLOAT32_MAX, Cells
from l4m.sources.findings import Findings
from l4m.sources.formats import CsvFormat, Scan
from l4m.sources.intervals import NONE, Clock
from l4m.sources.leaves import LeafIndex
from l4m.sources.program import FILTERED, IMPLAUSIBLE, MISSING, NO_LEAF, UNPARSABLE, check_columns, row_query
from l4m.sources.report import (
    IMPLAUSIBLE_TIME,
    MISSING_DIMENSION,
    MISSING_MEASURE,
    MISSING_TIME,
    NOT_A_NUMBER,
    UNPARSABLE_TIME,
    ReadReport,
)
from l4m.sources.slots import SlotTable

_FILE, _SLOT, _IS_UTC, _LEAF, _MEASURES = range(5)
_TIME_FAULTS = {MISSING: MISSING_TIME, UNPARSABLE: UNPARSABLE_TIME, IMPLAUSIBLE: IMPLAUSIBLE_TIME}


class Reading:
    """What has been read so far."""

    def __init__(
        self,
        timestamp: TimestampColumn,
        measures: Sequence[Measure],
        dimensions: Sequence[str],
        filters: Mapping[str, Sequence[str]],
        clock: Clock,
        wanted: tuple[int, int] | None,
        cell_limit: int,
    ) -> None:
        self.names: list[str] = []
        self.cells = Cells(tuple(measure.aggregation for measure in measures), cell_limit)
        self._timestamp, self._measures, self._dimensions, self._filters = timestamp, tuple(measures), tuple(dimensions), filters
        self._clock, self._wanted = clock, wanted
        self._slots = {is_utc: SlotTable(clock, bool(is_utc)) for is_utc in (0, 1)}
        self._index = LeafIndex()
        self._findings = Findings()
        self._counts: Counter[str] = Counter()
        self._columns: tuple[str, ...] = ()

    def add(self, connection: Any, scan: Scan, progress: Callable[[int], None] | None = None) -> None:
        """Read the files of one shape."""
        self.names += [file.name for file in scan.files]
        self._columns = self._columns or tuple(scan.types)
        names = [measure.name for measure in self._measures]
        check_columns(scan, [self._timestamp.name, *names, *self._dimensions, *self._filters])
        query = row_query(scan, self._timestamp, self._measures, self._dimensions, self._filters, self._clock.slot_seconds)
        self._findings.begin(scan)
        for batch in stream(connection.sql(query)):
            self._take(batch)
            if progress:
                progress(self._counts["rows"])
        if isinstance(scan.format, CsvFormat):
            refused = self._findings.collect_refused(connection)
            self._counts.update(rows=refused, invalid=refused)
        self._findings.finish(connection)

    def block(self) -> Block:
        """The values; empties the cells."""
        if self._wanted:
            self.cells.span(*self._wanted)
        return Block(self._clock.start(self.cells.first), self.cells.values(), tuple(self._index.leaves))

    def report(self) -> ReadReport:
        """The counts, as far as the reading has come."""
        counts, occupied = self._counts, np.flatnonzero(self.cells.occupied())
        return ReadReport(
            rows=counts["rows"],
            rows_used=counts["used"],
            rows_filtered=counts["filtered"],
            rows_outside=counts["outside"],
            rows_invalid=counts["invalid"],
            rows_partial=counts["partial"],
            rows_merged=max(0, counts["added"] - self.cells.filled()),
            series=len(self._index.leaves),
            start=self._clock.start(self.cells.first + int(occupied[0])) if len(occupied) else None,
            end=self._clock.start(self.cells.first + int(occupied[-1])) if len(occupied) else None,
            columns=self._columns,
            empty_values=dict(self._findings.empty),
            faults=self._findings.faults(),
        )

    def _take(self, batch: Batch) -> None:
        slot, leaf = batch.numbers(_SLOT, np.int32), batch.numbers(_LEAF, np.uint64)
        self._counts["rows"] += batch.length
        self._findings.enter(batch.length, batch.numbers(_FILE, np.int32))
        is_good = (slot > IMPLAUSIBLE) & (leaf > FILTERED)
        if is_good.all():
            rows = np.arange(batch.length)
        else:
            self._count_bad(batch, slot, leaf)
            rows = np.flatnonzero(is_good)
        is_utc = batch.numbers(_IS_UTC, np.uint8)[rows]
        for kind in (0, 1):
            some = (
                rows[is_utc == kind] if is_utc.any() != is_utc.all() else rows if len(rows) and bool(is_utc[0]) == bool(kind) else rows[:0]
            )
            if len(some):
                self._place(batch, some, *self._slots[kind].intervals(slot[some]))
        self._findings.leave()

    def _place(self, batch: Batch, rows: NDArray[np.intp], interval: NDArray[np.int32], again: NDArray[np.int32] | None) -> None:
        is_inside = self._is_inside(interval) if again is None else self._is_inside(interval) | self._is_inside(again)
        if is_inside is not True and not np.all(is_inside):
            self._counts["outside"] += int(len(rows) - np.count_nonzero(is_inside))
            rows, interval = rows[is_inside], interval[is_inside]
            again = None if again is None else again[is_inside]
            if not len(rows):
                return
        leaves = self._index.number(batch.numbers(_LEAF, np.uint64)[rows], lambda some: self._read_leaves(batch, rows[some]))
        low, high = self._reach(interval, again)
        self.cells.cover(low, high, len(self._index.leaves))
        is_number = np.zeros(len(rows), np.uint8)
        for measure in range(len(self._measures)):
            is_number += self._add(batch, measure, rows, interval, again, leaves)
        self._counts["used"] += int(np.count_nonzero(is_number))
        self._counts["invalid"] += int(np.count_nonzero(is_number == 0))
        self._counts["partial"] += int(np.count_nonzero((is_number > 0) & (is_number < len(self._measures))))

    def _add(
        self,
        batch: Batch,
        measure: int,
        rows: NDArray[np.intp],
        interval: NDArray[np.int32],
        again: NDArray[np.int32] | None,
        leaves: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        values = batch.numbers(_MEASURES + measure, np.float64)[rows]
        is_number = np.abs(values) <= FLOAT32_MAX
        if not is_number.all():
            self._count_values(measure, rows, values, is_number)
            interval, leaves, values = interval[is_number], leaves[is_number], values[is_number]
            again = None if again is None else again[is_number]
        if measure == 0:
            self._counts["added"] += len(values)
        if again is None:
            self.cells.add(measure, interval, leaves, values)
            return is_number
        twice = again != NONE
        if self._measures[measure].aggregation is Aggregation.SUM:
            values = np.where(twice, values / 2, values)
        for number, mask in ((interval, self._is_inside(interval)), (again, twice & self._is_inside(again))):
            chosen = np.flatnonzero(np.broadcast_to(mask, number.shape))
            self.cells.add(measure, number[chosen], leaves[chosen], values[chosen])
        return is_number

    def _is_inside(self, interval: NDArray[np.int32]) -> Any:
        if self._wanted is None:
            return interval != NONE
        return (interval >= self._wanted[0]) & (interval < self._wanted[1])

    def _reach(self, interval: NDArray[np.int32], again: NDArray[np.int32] | None) -> tuple[int, int]:
        if self._wanted:
            return self._wanted[0], self._wanted[1] - 1
        return int(interval.min()), int(max(interval.max(), NONE if again is None else again.max()))

    def _read_leaves(self, batch: Batch, rows: NDArray[np.intp]) -> list[tuple[str, ...]]:
        first = _MEASURES + len(self._measures)
        columns = [batch.texts(first + n, rows) for n in range(len(self._dimensions))]
        return [tuple(str(column[n]) for column in columns) for n in range(len(rows))]

    def _count_bad(self, batch: Batch, slot: NDArray[np.int32], leaf: NDArray[np.uint64]) -> None:
        passes = leaf != FILTERED
        self._counts["filtered"] += int(np.count_nonzero(~passes))
        self._counts["invalid"] += int(np.count_nonzero(passes & ((slot <= IMPLAUSIBLE) | (leaf == NO_LEAF))))
        for kind, reason in _TIME_FAULTS.items():
            self._findings.note(reason, self._timestamp.name, np.flatnonzero(passes & (slot == kind)))
        first = _MEASURES + len(self._measures)
        for number, name in enumerate(self._dimensions):
            self._findings.note(MISSING_DIMENSION, name, np.flatnonzero(passes & batch.nulls(first + number)))

    def _count_values(self, measure: int, rows: NDArray[np.intp], values: NDArray[np.float64], is_number: NDArray[np.bool_]) -> None:
        is_empty, name = np.isnan(values), self._measures[measure].name
        self._findings.note(MISSING_MEASURE, name, rows[is_empty])
        self._findings.note(NOT_A_NUMBER, name, rows[~is_number & ~is_empty])
