"""One pass over tables: each batch of rows is sorted out, counted, and added to its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.model import Aggregation, CsvFormat
from l4m.sources.tables.arrow import Batch, stream
from l4m.sources.tables.intervals import DAY, NONE, Clock, bounds
from l4m.sources.tables.leaf_census import LeafCensus
from l4m.sources.tables.leaf_index import LeafIndex
from l4m.sources.tables.read_report import (
    DOUBLED_HOUR,
    IMPLAUSIBLE_TIME,
    MISSING_DIMENSION,
    MISSING_MEASURE,
    MISSING_TIME,
    NOT_A_NUMBER,
    SKIPPED_HOUR,
    STRAY_TIME,
    UNPARSABLE_TIME,
    ReadReport,
)
from l4m.sources.tables.row_faults import RowFaults
from l4m.sources.tables.scan_plan import Scan
from l4m.sources.tables.scan_sql import (
    FILE,
    FILTERED,
    IS_UTC,
    LEAF,
    MEASURES,
    MISSING,
    SLOT,
    UNPARSABLE,
    check_columns,
    row_query,
    time_range,
)
from l4m.sources.tables.slots import SlotTable
from l4m.sources.tables.stray_times import LONG_GAP
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.value_grid import FLOAT32_MAX, ValueGrid

_FAR_OFF = 4_000_000_000  # epoch seconds; times beyond it are likely to be wrong
_ALL = slice(None)

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]
Rows = NDArray[np.intp] | slice  # which rows of a batch; a slice stands for all of them


@dataclass(frozen=True)
class Appearances:
    """LeafIndex in the order in which they appear: names, numbers in the cells, first intervals counted from the first, and hashes."""

    names: tuple[tuple[str, ...], ...]
    numbers: NDArray[np.intp]
    first: NDArray[np.int64]
    hashes: NDArray[np.uint64]


@dataclass(frozen=True)
class Placed:
    """Rows of a batch and where they belong; ``again`` is the second interval of local times that occur twice."""

    rows: Rows
    interval: Ints
    again: Ints | None
    leaves: Ints


class ScatteredTimes(Exception):
    """Times lie so far apart that it has to be found out which of them are meant before there is room for all."""


class ScanReader:
    """What has been read so far.

    ``wanted`` are the intervals that are asked for, ``bulk`` the first and last second of the times that are not stray, if that is known.
    """

    def __init__(
        self,
        spec: TableSpec,
        clock: Clock,
        wanted: tuple[int, int] | None,
        cells: ValueGrid | LeafCensus,
        bulk: tuple[int, int] | None = None,
    ) -> None:
        self.names: list[str] = []
        self.cells = cells
        self.spec = spec
        self._clock = clock
        self._wanted = wanted
        self._first_hash = 1 << len(spec.dimensions)  # smaller ones tell which dimensions are empty
        self._slots = {is_utc: SlotTable(clock, is_utc) for is_utc in (False, True)}
        self._leaves = LeafIndex(spec)
        self._findings = RowFaults(spec)
        self._plausible = bounds(clock.slot_seconds)
        self._near = self._find_near(bulk)
        self._is_watchful = wanted is None and bulk is None
        self._span: tuple[int, int] | None = None  # first and last slot so far
        self._counts: Counter[str] = Counter()
        self._columns: tuple[str, ...] = ()
        self._has_dropped = False

    def add(self, connection: Any, scan: Scan, progress: Callable[[int], None] | None = None) -> None:
        """Read the files of one shape."""
        self.names += [file.name for file in scan.files]
        self._columns = self._columns or tuple(scan.types)
        check_columns(scan, self.spec)
        self._expect(connection, scan)
        self._findings.begin(scan)
        self._leaves.begin(scan)
        for batch in stream(connection.sql(row_query(scan, self.spec, self._clock.slot_seconds))):
            self._take(batch)
            if progress:
                progress(self._counts["rows"])
        if isinstance(scan.format, CsvFormat):
            refused = self._findings.collect_refused(connection)
            self._counts.update(rows=refused, invalid=refused)
        self._findings.check_json(connection)
        refused = self._findings.collect_mended()
        self._counts.update(rows=refused, invalid=refused)
        self._leaves.finish(connection)
        self._findings.finish(connection)

    def finish(self) -> int:
        """Make the cells reach over all that was wanted; return when the first interval begins, in epoch seconds."""
        if self._wanted:
            self.cells.span(*self._wanted)
        return self._clock.start(self.cells.first)

    def leaves(self) -> Appearances:
        """The leaves in the order of their first interval, then of their names."""
        names = self._leaves.names
        first = self.cells.first_rows()
        by_name = np.array(sorted(range(len(names)), key=names.__getitem__), np.intp)
        numbers = by_name[np.argsort(first[by_name], kind="stable")]
        if self._has_dropped:
            numbers = numbers[first[numbers] < self.cells.end - self.cells.first]
        return Appearances(tuple(names[leaf] for leaf in numbers), numbers, first[numbers], self._leaves.hashes[numbers])

    def rests(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The intervals with rows, ascending, and how many slots each still had after its last row."""
        numbers, rests = (np.concatenate(parts) for parts in zip(*(table.rests() for table in self._slots.values()), strict=True))
        order = np.lexsort((rests, numbers))
        is_first = np.r_[True, np.diff(numbers[order]) > 0] if len(order) else np.zeros(0, np.bool_)
        return numbers[order][is_first].astype(np.int64), rests[order][is_first]

    def drop_last(self) -> None:
        """Leave the last interval out, and the leaves that appear in it."""
        self._has_dropped = True
        self.cells.drop_last()

    def report(self) -> ReadReport:
        """The counts, as far as the reading has come."""
        counts = self._counts
        occupied = np.flatnonzero(self.cells.occupied())
        return ReadReport(
            rows=counts["rows"],
            rows_used=counts["used"],
            rows_filtered=counts["filtered"],
            rows_outside=counts["outside"],
            rows_invalid=counts["invalid"],
            rows_partial=counts["partial"],
            rows_merged=max(0, counts["added"] - self.cells.filled()),
            series=len(self._leaves),
            start=self._clock.start(self.cells.first + int(occupied[0])) if len(occupied) else None,
            end=self._clock.start(self.cells.first + int(occupied[-1])) if len(occupied) else None,
            columns=self._columns,
            empty_values=dict(self._findings.empty),
            faults=self._findings.faults(),
        )

    def _find_near(self, bulk: tuple[int, int] | None) -> tuple[int, int]:
        """The slots, from and to before, beyond which rows are none of what is read; a margin makes room for all zones."""
        slot = self._clock.slot_seconds
        if self._wanted is not None:
            first, end = (self._clock.start(number) for number in self._wanted)
        elif bulk is not None:
            first, end = bulk
        else:
            return self._plausible
        return (first - 2 * DAY) // slot, (end + 2 * DAY) // slot

    def _expect(self, connection: Any, scan: Scan) -> None:
        found = time_range(connection, scan, self.spec.timestamp.name)
        if found and self._is_watchful and all(abs(moment) < _FAR_OFF for moment in found) and found[1] - found[0] < LONG_GAP:
            self.cells.expect(self._clock.number(found[0] - DAY), self._clock.number(found[1] + DAY))

    def _take(self, batch: Batch) -> None:
        slot = batch.numbers(SLOT, np.int32)
        leaf = batch.numbers(LEAF, np.uint64)
        self._counts["rows"] += batch.length
        self._findings.enter(batch.length, batch.numbers(FILE, np.int32))
        rows: Rows = _ALL
        low, high = int(slot.min()), int(slot.max())
        if not _is_within(self._near, low, high) or leaf.min() < self._first_hash:
            self._count_bad(slot, leaf)
            rows = np.flatnonzero(_is_within(self._near, slot, slot) & (leaf >= self._first_hash))
            low, high = (int(slot[rows].min()), int(slot[rows].max())) if len(rows) else (0, -1)
        if self._is_watchful and low <= high:
            self._watch(slot[rows], low, high)
        is_utc = batch.numbers(IS_UTC, np.uint8)[rows] == 1
        for kind in (False, True):
            if is_utc.size and (is_utc[0] == kind or is_utc.any() != is_utc.all()):
                some = rows if is_utc.any() == is_utc.all() else _narrow(rows, is_utc == kind)
                self._place(batch, some, *self._slots[kind].intervals(slot[some]))
                self._count_skipped(self._slots[kind].skipped(slot[some]), some)
        self._findings.leave()

    def _watch(self, slot: Ints, low: int, high: int) -> None:
        """Raise ScatteredTimes when these times and those before leave a gap so long that one side is likely to be wrong."""
        gap = LONG_GAP // self._clock.slot_seconds
        before = self._span or (low, high)
        if high - low > gap or low < before[0] - gap or high > before[1] + gap:
            day = max(1, DAY // self._clock.slot_seconds)
            days = np.union1d(slot // day, np.array(before) // day)
            if np.diff(days).max() * day > gap:
                raise ScatteredTimes
        self._span = min(low, before[0]), max(high, before[1])

    def _count_skipped(self, skipped: Mask | None, rows: Rows) -> None:
        if skipped is not None:
            self._findings.note(SKIPPED_HOUR, self.spec.timestamp.name, _narrow(rows, skipped))

    def _place(self, batch: Batch, rows: Rows, interval: Ints, again: Ints | None) -> None:
        if self._wanted is not None:
            is_inside = self._is_inside(interval) if again is None else self._is_inside(interval) | self._is_inside(again)
            self._counts["outside"] += int(len(interval) - np.count_nonzero(is_inside))
            if not is_inside.all():
                rows = _narrow(rows, is_inside)
                interval = interval[is_inside]
                again = None if again is None else again[is_inside]
        if not len(interval):
            return
        leaves = self._leaves.number(batch, rows)
        low, high = self._wanted or (int(interval.min()), int(interval.max() if again is None else max(interval.max(), again.max())) + 1)
        self.cells.cover(low, high, len(self._leaves))
        placed = Placed(rows, interval, again, leaves)
        if again is not None:
            self._findings.note(DOUBLED_HOUR, self.spec.timestamp.name, _narrow(rows, again != NONE))
        self._count_used([self._add(batch, measure, placed) for measure in range(len(self.spec.measures))])

    def _add(self, batch: Batch, measure: int, placed: Placed) -> Mask:
        values = batch.numbers(MEASURES + measure, np.float64)[placed.rows]
        interval = placed.interval
        again = placed.again
        leaves = placed.leaves
        is_number: Mask = np.abs(values) <= FLOAT32_MAX
        if not is_number.all():
            self._count_values(measure, placed.rows, values, is_number)
            interval = interval[is_number]
            leaves = leaves[is_number]
            values = values[is_number]
            again = None if again is None else again[is_number]
        self._counts["added"] += len(values) if measure == 0 else 0
        if again is None:
            self.cells.add(measure, interval, leaves, values)
        else:
            self._add_twice(measure, interval, again, leaves, values)
        return is_number

    def _add_twice(self, measure: int, interval: Ints, again: Ints, leaves: Ints, values: NDArray[np.float64]) -> None:
        """Add rows of which some belong half to either of two intervals."""
        twice = again != NONE
        if self.spec.measures[measure].aggregation is Aggregation.SUM:
            values = np.where(twice, values / 2, values)
        for number, mask in ((interval, self._is_inside(interval)), (again, twice & self._is_inside(again))):
            self.cells.add(measure, number[mask], leaves[mask], values[mask])

    def _is_inside(self, interval: Ints) -> Mask:
        first, end = self._wanted or (NONE + 1, -NONE)
        inside: Mask = (interval >= first) & (interval < end)
        return inside

    def _count_used(self, numbers: list[Mask]) -> None:
        every = numbers[0].copy()
        some = numbers[0].copy()
        for mask in numbers[1:]:
            every &= mask
            some |= mask
        used = int(np.count_nonzero(some))
        self._counts.update(used=used, invalid=len(some) - used, partial=used - int(np.count_nonzero(every)))

    def _count_bad(self, slot: Ints, leaf: NDArray[np.uint64]) -> None:
        passes = leaf != FILTERED
        named = leaf >= self._first_hash
        is_plausible = _is_within(self._plausible, slot, slot)
        is_near = _is_within(self._near, slot, slot)
        is_timely = is_plausible if self._wanted is not None else is_near
        self._counts["filtered"] += int(np.count_nonzero(~passes))
        self._counts["invalid"] += int(np.count_nonzero(passes & ~(is_timely & named)))
        self._counts["outside"] += int(np.count_nonzero(passes & named & is_timely & ~is_near))
        for reason, is_so in (
            (MISSING_TIME, slot == MISSING),
            (UNPARSABLE_TIME, slot == UNPARSABLE),
            (IMPLAUSIBLE_TIME, ~is_plausible & (slot > UNPARSABLE)),
            (STRAY_TIME, is_plausible & ~is_timely),
        ):
            self._findings.note(reason, self.spec.timestamp.name, np.flatnonzero(passes & is_so))
        for number, name in enumerate(self.spec.dimensions):
            is_empty = passes & ~named & ((leaf >> np.uint64(number)) & np.uint64(1) == 1)
            self._findings.note(MISSING_DIMENSION, name, np.flatnonzero(is_empty))

    def _count_values(self, measure: int, rows: Rows, values: NDArray[np.float64], is_number: Mask) -> None:
        is_empty = np.isnan(values)
        name = self.spec.measures[measure].name
        for reason, mask in ((MISSING_MEASURE, is_empty), (NOT_A_NUMBER, ~is_number & ~is_empty)):
            where = _narrow(rows, np.flatnonzero(mask))
            self._findings.note(reason, name, where)


def _is_within(limits: tuple[int, int], lowest: Any, highest: Any) -> Any:
    return (lowest >= limits[0]) & (highest < limits[1])


def _narrow(rows: Rows, chosen: Mask | NDArray[np.intp]) -> NDArray[np.intp]:
    """Some of the rows, as numbers of rows of the batch."""
    if isinstance(rows, slice):
        return np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen.astype(np.intp, copy=False)
    return rows[chosen]
