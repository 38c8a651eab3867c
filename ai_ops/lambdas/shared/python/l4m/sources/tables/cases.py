"""Tables of actual and expected values per leaf, for root-cause analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, TimestampColumn
from l4m.sources.tables.fault_location import locate
from l4m.sources.tables.identifiers import identifier
from l4m.sources.tables.intervals import DAY
from l4m.sources.tables.row_faults import NeedsMending, RowFaults
from l4m.sources.tables.scan_plan import Scan, TableFiles
from l4m.sources.tables.scan_sql import check_columns
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import ISO


@dataclass(frozen=True)
class Case:
    """One table: codes of shape (leaves, dimensions) into the values of each dimension, and two numbers per leaf."""

    name: str
    codes: NDArray[np.int32]
    values: dict[str, list[str]]
    actual: NDArray[np.float64]
    expected: NDArray[np.float64]


def read_cases(paths: Sequence[Path], actual: str, expected: str, dimensions: Sequence[str], case: str | None) -> Iterator[Case]:
    """The cases of some files, in order of their first row.

    Raises
    ------
    InvalidInput
        A file cannot be read, a column is missing, a number is none, a dimension is empty, or a leaf stands there twice.
    """
    needed = tuple(dict.fromkeys([actual, expected, *dimensions, *([case] if case else [])]))
    spec = TableSpec(TimestampColumn(needed[0], ISO), (), DAY, needed[1:])
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        for path in paths:
            files = TableFiles(connection, Path(folder), spec)
            files.open([path], [str(path)])
            for scan in _scans(connection, files, path, spec):
                yield from _read(connection, scan, (actual, expected), dimensions, case)


def _scans(connection: Any, files: TableFiles, path: Path, spec: TableSpec) -> list[Scan]:
    """The scans of a file that can be read whole; a file of text that cannot as it stands is mended first."""
    for _ in range(2):
        scans = files.scans()
        if not scans:
            raise InvalidInput(Fault(str(path), "is empty"))
        try:
            for scan in scans:
                check_columns(scan, spec)
                _refuse_lines(connection, scan, spec)
        except (duckdb.Error, NeedsMending) as error:
            unmended = [file for file in files.files if file.mended is None and not files.is_parquet(file)]
            if not unmended:
                raise InvalidInput(Fault(str(path), f"cannot be read: {str(error).splitlines()[0]}")) from error
            files.mend(unmended)
        else:
            return scans
    raise InvalidInput(Fault(str(path), "cannot be read as a table"))


def _refuse_lines(connection: Any, scan: Scan, spec: TableSpec) -> None:
    """Refuse a file with lines that are no rows: a cause that lacks some leaves is another."""
    found = RowFaults(spec)
    found.begin(scan)
    connection.execute(f"SELECT count(*) FROM {scan.sql}").fetchall()
    if isinstance(scan.format, CsvFormat):
        found.collect_refused(connection)
    found.collect_mended()
    faults = [fault for fault in found.faults() if not fault.is_change]
    if faults:
        raise InvalidInput(*(Fault(fault.place, fault.reason + (f" ({fault.sample!r})" if fault.sample else "")) for fault in faults))


def _read(connection: Any, scan: Scan, numbers: tuple[str, str], dimensions: Sequence[str], case: str | None) -> Iterator[Case]:
    parsed = [f"TRY_CAST({identifier(name)} AS DOUBLE)" for name in numbers]
    texts = [f"CAST({identifier(name)} AS VARCHAR)" for name in dimensions]
    label = f"coalesce(CAST({identifier(case)} AS VARCHAR), '')" if case else "''"
    connection.execute(
        f"CREATE OR REPLACE TABLE leaves AS SELECT row_number() OVER () - 1 AS row, {label} AS case_name, {parsed[0]} AS actual, "
        f"{parsed[1]} AS expected, {', '.join(f'{text} AS d{n}' for n, text in enumerate(texts))} FROM {scan.sql}"
    )
    _check(connection, scan, numbers, dimensions)
    cases = connection.execute("SELECT case_name FROM leaves GROUP BY case_name ORDER BY min(row)").fetchall()
    if not cases:
        raise InvalidInput(Fault(scan.files[0].name, "holds no rows"))
    for (name,) in cases:
        yield _case(connection, name, dimensions)


def _case(connection: Any, name: str, dimensions: Sequence[str]) -> Case:
    found = connection.execute("SELECT * FROM leaves WHERE case_name = ? ORDER BY row", [name]).fetchnumpy()
    codes = []
    values = {}
    for number, dimension in enumerate(dimensions):
        texts = found[f"d{number}"].tolist()
        values[dimension] = sorted(set(texts))
        code = {text: n for n, text in enumerate(values[dimension])}
        codes.append(np.fromiter(map(code.__getitem__, texts), np.int32, len(texts)))
    return Case(name, np.column_stack(codes), values, np.asarray(found["actual"], np.float64), np.asarray(found["expected"], np.float64))


def _check(connection: Any, scan: Scan, numbers: tuple[str, str], dimensions: Sequence[str]) -> None:
    tests = [
        (f"{side} IS NULL OR NOT isfinite({side})", name, "is not a finite number")
        for side, name in zip(("actual", "expected"), numbers, strict=True)
    ]
    tests += [(f"d{n} IS NULL", name, "is empty") for n, name in enumerate(dimensions)]
    faults = []
    for test, column, what in tests:
        ((count, row),) = connection.execute(f"SELECT count(*), min(row) FROM leaves WHERE {test}").fetchall()
        if count:
            line, sample = locate(connection, scan, scan.files[0], row, column=column)
            faults.append(
                Fault(
                    f"{scan.files[0].name}, line {line}, column {column}",
                    f"{what} ({sample!r})" + (f", and {count - 1:,} more" if count > 1 else ""),
                )
            )
    keys = ", ".join(["case_name", *(f"d{n}" for n in range(len(dimensions)))])
    twice = connection.execute(f"SELECT max(row) FROM leaves GROUP BY {keys} HAVING count(*) > 1 ORDER BY 1 LIMIT 1").fetchall()
    if twice:
        line, _ = locate(connection, scan, scan.files[0], twice[0][0], column=dimensions[0])
        faults.append(
            Fault(f"{scan.files[0].name}, line {line}, column {dimensions[0]}", "this combination of dimension values stands there twice")
        )
    if faults:
        raise InvalidInput(*faults)
