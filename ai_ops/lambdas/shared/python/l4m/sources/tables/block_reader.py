"""Rows of local files, read in one pass into a dense block of measures x intervals x leaf series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.arrow import StreamFailed
from l4m.sources.tables.begun_interval import is_begun
from l4m.sources.tables.half_read import check_half_read
from l4m.sources.tables.intervals import DAY, Clock, bounds
from l4m.sources.tables.leaf_census import LeafCensus, Population
from l4m.sources.tables.long_intervals import clock_of
from l4m.sources.tables.read_report import BegunInterval, ReadReport, RowFault
from l4m.sources.tables.regularity import check_regular
from l4m.sources.tables.row_faults import NeedsMending
from l4m.sources.tables.scan_plan import TableFiles
from l4m.sources.tables.scan_reader import ScanReader, ScatteredTimes
from l4m.sources.tables.scan_sql import time_census
from l4m.sources.tables.stray_times import LONGEST_GAP, YEAR, find_bulk, longest_gap
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import check_format
from l4m.sources.tables.value_grid import CELL_LIMIT, ValueGrid

__all__ = ["Table", "TableSpec", "count_leaves", "empty_block", "read_block", "read_table"]

_ATTEMPTS = 6  # of reading: as fast as can be, with files mended, without stray times

Progress = Callable[[int], None]
Span = tuple[int | None, int | None]  # epoch seconds, half-open


@dataclass(frozen=True)
class Table:
    """What was read: a block, how its intervals lie on the clock, and its values as exactly as they were read.

    Of intervals longer than a day the block begins at the clock's ``even_start``, so that all of them are equally long.
    """

    block: Block
    report: ReadReport
    clock: Clock
    exact: NDArray[np.float64] | None = None  # of the shape of the block's values


def read_table(
    paths: Sequence[Path], spec: TableSpec, *, names: Sequence[str] = (), is_exact: bool = False, progress: Progress | None = None
) -> Table:
    """Read files whole, as ``read_block`` does; with ``is_exact`` the values are kept in double precision, too."""
    scope = _Scope(spec, (None, None), lambda: ValueGrid(tuple(measure.aggregation for measure in spec.measures)), progress=progress)
    found = _read_all(paths, scope, names)
    leaves = found.reading.leaves()
    cells = found.cells
    first = found.clock.even_start(cells.first)
    exact = cells.values(leaves.numbers, np.float64) if is_exact else None
    values = cells.values(leaves.numbers) if exact is None else exact.astype(np.float32)
    return Table(Block(first, values, leaves.names), found.report, found.clock, exact)


def read_block(
    paths: Sequence[Path],
    spec: TableSpec,
    start: int | None = None,
    end: int | None = None,
    *,
    names: Sequence[str] = (),
    cell_limit: int = CELL_LIMIT,
    series_limit: int | None = None,
    threads: int | None = None,
) -> tuple[Block, ReadReport]:
    """Read files into a block, aligned to the interval on the zone's clock, and report on their rows.

    With ``start`` and ``end`` (epoch seconds, half-open) the block covers exactly the intervals between them, all NaN when no row
    arrived; without, the block reaches from the first interval with data to the last, and no data at all is an error. A last
    interval that had only begun when its data were written is left out then, and times that lie far from all others are set aside.
    ``names`` are what messages call the files.

    Local times that occur twice count half for either interval (AVG: as they are), since nothing tells the two apart.

    Raises
    ------
    InvalidInput
        A file cannot be read, a column is missing, no row can be used, or rows come at another interval than stated.
    TooLarge
        There are more values than ``cell_limit``, or more series than ``series_limit``.
    """
    aggregations = tuple(measure.aggregation for measure in spec.measures)
    found = _read_all(paths, _Scope(spec, (start, end), lambda: ValueGrid(aggregations, cell_limit, series_limit), threads), names)
    leaves = found.reading.leaves()
    return Block(found.start, found.cells.values(leaves.numbers), leaves.names), found.report


def count_leaves(
    paths: Sequence[Path], spec: TableSpec, start: int | None = None, end: int | None = None, *, names: Sequence[str] = ()
) -> tuple[Population, ReadReport]:
    """Read as ``read_block`` does, however much there is, but keep no values."""
    found = _read_all(paths, _Scope(spec, (start, end), LeafCensus), names)
    leaves = found.reading.leaves()
    return Population(found.start, found.cells.occupied(), leaves.names, leaves.first, leaves.hashes), found.report


@dataclass(frozen=True)
class _Scope:
    """What is read of some files, into what, and who is told how far it has come."""

    spec: TableSpec
    span: Span
    cells: Callable[[], Any]
    threads: int | None = None
    progress: Progress | None = None

    @property
    def clock(self) -> Clock:
        """The clock that rows are read by: of long intervals, days."""
        return Clock(min(self.spec.interval_seconds, DAY), self.spec.timezone)

    @property
    def wanted(self) -> tuple[int, int] | None:
        """The intervals that are asked for, if some are."""
        start, end = self.span
        return None if start is None or end is None else self.clock.range(start, end)


@dataclass(frozen=True)
class _Found:
    reading: ScanReader
    cells: Any
    clock: Clock
    report: ReadReport

    @property
    def start(self) -> int:
        """When the first interval begins, in epoch seconds."""
        return self.clock.start(self.cells.first)


def _read_all(paths: Sequence[Path], scope: _Scope, names: Sequence[str]) -> _Found:
    check_format(scope.spec.timestamp.format)
    names = list(names) or [str(path) for path in paths]
    reading = _read(paths, names, scope) if paths else ScanReader(scope.spec, scope.clock, scope.wanted, scope.cells())
    reading.finish()
    report = reading.report()
    if scope.wanted is None:
        _check_content(report, reading, names)
        check_half_read(report, scope.spec)
        return _settle(reading, report, scope)
    if report.rows and report.rows == report.rows_invalid and scope.spec.shard is None:
        _refuse(report)
    return _Found(reading, reading.cells, scope.clock, report)


def _settle(reading: ScanReader, report: ReadReport, scope: _Scope) -> _Found:
    """Check that the data come as often as was said, bring them to long intervals, and leave out a last one that has only begun."""
    cells = reading.cells
    clock = scope.clock
    spec = scope.spec
    occupied = cells.occupied()
    check_regular(occupied, cells.first, clock, ", ".join(reading.names[:3]), spec)
    present, rests, slot_seconds = *reading.rests(), clock.slot_seconds
    if isinstance(cells, ValueGrid) and spec.interval_seconds > DAY:
        days = np.flatnonzero(occupied) + cells.first
        clock = clock_of(spec.interval_seconds, spec.interval_months, spec.timezone, days)
        last_days = clock.of_days(days)
        is_last = np.r_[np.diff(last_days) > 0, True]
        present = last_days[is_last]
        slot_seconds = DAY
        rests = np.array([clock.first_day(int(number) + 1) - 1 for number in present]) - days[is_last]
        cells.coarsen(clock.of_days(np.arange(cells.first, cells.end)))
    if len(present) and int(present[-1]) == cells.end - 1 and is_begun(rests):
        end = clock.start(cells.end) - int(rests[-1]) * slot_seconds
        report = replace(report, begun=BegunInterval(clock.start(cells.end - 1), end), end=clock.start(int(present[-2])))
        reading.drop_last()
    return _Found(reading, cells, clock, report)


def _read(paths: Sequence[Path], names: Sequence[str], scope: _Scope) -> ScanReader:
    spec = scope.spec
    bulk = None
    with TemporaryDirectory() as folder, _database(scope.threads).cursor() as connection:
        files = TableFiles(connection, Path(folder), spec)
        with _told(files):
            files.open(paths, names)
        for _ in range(_ATTEMPTS):
            reading = ScanReader(spec, scope.clock, scope.wanted, scope.cells(), bulk)
            try:
                with _told(files):
                    for scan in files.scans():
                        reading.add(connection, scan, scope.progress)
            except NeedsMending as error:
                with _told(files):
                    files.mend(error.files)
                continue
            except ScatteredTimes:
                bulk = _find_bulk(connection, files, spec)
                continue
            strays = None if bulk or scope.wanted else _strays(reading, scope.clock)
            if strays is None:
                return reading
            bulk = strays
    raise InvalidInput(Fault(", ".join(names[:3]), "cannot be read as a table"))


@cache
def _database(threads: int | None) -> duckdb.DuckDBPyConnection:
    """One per process, in memory: opening it takes longer than reading a live interval's file."""
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    return duckdb.connect(config=config | ({"threads": threads} if threads else {}))


def _check_content(report: ReadReport, reading: ScanReader, names: Sequence[str]) -> None:
    if not report.rows:
        raise InvalidInput(*(Fault(name, "holds no rows" if name in reading.names else "is empty") for name in names))
    if report.rows == report.rows_invalid:
        _refuse(report)
    if not report.rows_used:
        raise InvalidInput(Fault("filters", f"none of the {report.rows:,} rows passes them"))


def _refuse(report: ReadReport) -> None:
    raise InvalidInput(*(Fault(fault.place, _say(fault, report.rows)) for fault in report.faults if not fault.is_change))


def _say(fault: RowFault, rows: int) -> str:
    shown = f" ({fault.sample!r})" if fault.sample else ""
    return f"{fault.reason}{shown}; none of the {rows:,} rows can be used" + (f"; {fault.remedy}" if fault.remedy else "")


def _strays(reading: ScanReader, clock: Clock) -> tuple[int, int] | None:
    """The first and last second of what belongs together, if some of what was read lies far from it."""
    places = np.flatnonzero(reading.cells.occupied()) + reading.cells.first
    found = find_bulk(places, clock.interval_seconds) if len(places) else None
    return None if found is None else (clock.start(found[0]), clock.start(found[1]))


def _find_bulk(connection: Any, files: TableFiles, spec: TableSpec) -> tuple[int, int]:
    """The same, of files whose times are too far apart for all of them to be read.

    Raises
    ------
    InvalidInput
        Nothing tells which of the times are wrong.
    """
    seconds = min(spec.interval_seconds, DAY)
    found: set[int] = set()
    for scan in files.scans():
        found |= {stretch for stretch, _ in connection.execute(time_census(scan, spec.timestamp, seconds)).fetchall()}
    places = np.array(sorted(found))
    first, end = bounds(seconds)
    places = places[(places >= first) & (places < end)]
    bulk = find_bulk(places, seconds) or (int(places[0]), int(places[-1]))
    before, gap = longest_gap(places[(places >= bulk[0]) & (places <= bulk[1])], seconds)
    if gap > LONGEST_GAP:
        since = np.datetime64(before * seconds, "s")
        raise InvalidInput(
            Fault(f"column {spec.timestamp.name}", f"there is no row for {gap // YEAR} years after {since}; are times wrong?")
        )
    return bulk[0] * seconds, (bulk[1] + 1) * seconds


@contextmanager
def _told(files: TableFiles) -> Iterator[None]:
    """Turn what the database says of a file into its refusal, or a wish to mend it if it is text."""
    try:
        yield
    except (duckdb.Error, StreamFailed) as error:
        message = str(error)
        file = next((one for one in files.files if str(one.path) in message), files.files[0] if files.files else None)
        if file is not None and not files.is_parquet(file) and file.mended is None:
            raise NeedsMending([file]) from error
        raise InvalidInput(Fault(file.name if file else "data", f"cannot be read: {message.strip().splitlines()[0]}")) from error


def empty_block(spec: TableSpec, start: int, intervals: int) -> Block:
    """A block in which nothing arrived."""
    return Block(start, np.full((len(spec.measures), intervals, 0), np.nan, np.float32), ())
