"""Rows of local files, read in one pass into a dense block of measures x intervals x leaf series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np

from l4m.engine.block import Block
from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.arrow import StreamFailed
from l4m.sources.tables.formats import DataFile, Format, detect_format, plan_scans, prepare
from l4m.sources.tables.intervals import Clock
from l4m.sources.tables.leaf_census import LeafCensus, Population
from l4m.sources.tables.read_report import ReadReport
from l4m.sources.tables.regularity import check_regular
from l4m.sources.tables.scan_reader import ScanReader
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import check_format
from l4m.sources.tables.value_grid import CELL_LIMIT, ValueGrid

__all__ = ["TableSpec", "count_leaves", "empty_block", "read_block"]

Progress = Callable[[int], None]


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
    progress: Progress | None = None,
) -> tuple[Block, ReadReport]:
    """Read files into a block, aligned to the interval on the zone's clock, and report on their rows.

    With ``start`` and ``end`` (epoch seconds, half-open) the block covers exactly the intervals between them, all NaN when no row
    arrived; without, the block reaches from the first interval with data to the last, and no data at all is an error.
    ``names`` are what messages call the files, ``progress`` is told the number of rows read so far.

    Local times that occur twice count half for either interval (AVG: as they are), since nothing tells the two apart.

    Raises
    ------
    InvalidInput
        A file cannot be read, a column is missing, no row can be used, or rows come at another interval than stated.
    TooLarge
        There are more values than ``cell_limit``, or more series than ``series_limit``.
    """
    cells = ValueGrid(tuple(measure.aggregation for measure in spec.measures), cell_limit, series_limit)
    reading, report = _read_all(paths, spec, cells, (start, end), names=names, threads=threads, progress=progress)
    first = reading.finish()
    leaves = reading.leaves()
    return Block(first, cells.values(leaves.numbers), leaves.names), report


def count_leaves(
    paths: Sequence[Path], spec: TableSpec, start: int | None = None, end: int | None = None, *, names: Sequence[str] = ()
) -> tuple[Population, ReadReport]:
    """Read as ``read_block`` does, however much there is, but keep no values."""
    census = LeafCensus()
    reading, report = _read_all(paths, spec, census, (start, end), names=names)
    first = reading.finish()
    leaves = reading.leaves()
    return Population(first, census.occupied(), leaves.names, leaves.first, leaves.hashes), report


def _read_all(
    paths: Sequence[Path],
    spec: TableSpec,
    cells: ValueGrid | LeafCensus,
    span: tuple[int | None, int | None],
    *,
    names: Sequence[str],
    threads: int | None = None,
    progress: Progress | None = None,
) -> tuple[ScanReader, ReadReport]:
    check_format(spec.timestamp.format)
    clock = Clock(spec.interval_seconds, spec.timezone)
    start, end = span
    wanted = None if start is None or end is None else clock.range(start, end)
    reading = ScanReader(spec, clock, wanted, cells)
    if paths:
        _read(paths, list(names) or [str(path) for path in paths], reading, threads, progress)
    report = reading.report()
    if wanted is None:
        _check_content(report, reading, names or [str(path) for path in paths])
        check_regular(cells.occupied(), cells.first, clock, ", ".join(reading.names[:3]))
    elif report.rows and report.rows == report.rows_invalid and spec.shard is None:
        _refuse(report)
    return reading, report


def _read(paths: Sequence[Path], names: Sequence[str], reading: ScanReader, threads: int | None, progress: Progress | None) -> None:
    with TemporaryDirectory() as folder, _database(threads).cursor() as connection:
        wanted = reading.spec.format or _guess(paths, names)
        files = [prepare(path, name, wanted, Path(folder)) for path, name in zip(paths, names, strict=True)]
        try:
            for scan in plan_scans(connection, files, wanted, reading.spec.columns):
                reading.add(connection, scan, progress)
        except (duckdb.Error, StreamFailed) as error:
            raise InvalidInput(Fault(_culprit(files, str(error)), f"cannot be read: {_first_sentence(str(error))}")) from error


@cache
def _database(threads: int | None) -> duckdb.DuckDBPyConnection:
    """One per process, in memory: opening it takes longer than reading a live interval's file."""
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    return duckdb.connect(config=config | ({"threads": threads} if threads else {}))


def _guess(paths: Sequence[Path], names: Sequence[str]) -> Format:
    for path, name in zip(paths, names, strict=True):
        try:
            if path.stat().st_size:
                return detect_format(path)
        except OSError as error:
            raise InvalidInput(Fault(name, f"cannot be read: {error.strerror or error}")) from error
    raise InvalidInput(*(Fault(name, "is empty") for name in names))


def _check_content(report: ReadReport, reading: ScanReader, names: Sequence[str]) -> None:
    if not report.rows:
        raise InvalidInput(*(Fault(name, "holds no rows" if name in reading.names else "is empty") for name in names))
    if report.rows == report.rows_invalid:
        _refuse(report)
    if not report.rows_used:
        raise InvalidInput(Fault("filters", f"none of the {report.rows:,} rows passes them"))


def _refuse(report: ReadReport) -> None:
    raise InvalidInput(
        *(
            Fault(f"{fault.file}, line {fault.line}, column {fault.column}", _say(fault.reason, fault.sample, report.rows))
            for fault in report.faults
        )
    )


def _say(reason: str, sample: str, rows: int) -> str:
    return f"{reason}" + (f" ({sample!r})" if sample else "") + f"; none of the {rows:,} rows can be used"


def _culprit(files: Sequence[DataFile], message: str) -> str:
    return next((file.name for file in files if str(file.path) in message), files[0].name)


def _first_sentence(message: str) -> str:
    return message.strip().splitlines()[0]


def empty_block(spec: TableSpec, start: int, intervals: int) -> Block:
    """A block in which nothing arrived."""
    return Block(start, np.full((len(spec.measures), intervals, 0), np.nan, np.float32), ())
