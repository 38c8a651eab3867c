"""Where in a file a row stands, and what it says there: found only when a message needs it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Collection, Iterator
from typing import Any

from l4m.model import CsvFormat, JsonFormat
from l4m.sources.tables.formats import DataFile, Scan, open_text, read_records
from l4m.sources.tables.identifiers import identifier, literal

_LONGEST = 60
_PIECE = 1 << 20


def locate(connection: Any, scan: Scan, file: DataFile, row: int, *, column: str, refused: Collection[int] = ()) -> tuple[int, str]:
    """The line (in Parquet: the row) counted from 1, and the text in ``column``, of a file's row counted from 0.

    ``refused`` are the numbers, counted from 1 and with the header, of records that were not rows at all.
    """
    if isinstance(scan.format, CsvFormat):
        found = _nth(_csv_rows(file, scan, scan.format, refused), row)
    elif isinstance(scan.format, JsonFormat):
        found = _nth(_json_rows(file), row)
    else:
        return row + 1, _parquet_text(connection, file, row, column)
    if found is None:
        return row + 1 + scan.header_lines, ""
    line, values = found
    return line, str(values.get(column) or "")[:_LONGEST]


def line_at(file: DataFile, position: int) -> int:
    """The line, counted from 1, that a byte of a text file stands on; ``position`` counts from 1 in the unzipped file."""
    line = 1
    left = position - 1
    opener: Any = gzip.open if file.is_gzip else open
    with opener(file.path, "rb") as content:
        while left > 0 and (piece := content.read(min(left, _PIECE))):
            line += piece.count(b"\n")
            left -= len(piece)
    return line


def _nth(rows: Iterator[tuple[int, dict[str, Any]]], number: int) -> tuple[int, dict[str, Any]] | None:
    return next((found for count, found in enumerate(rows) if count == number), None)


def _csv_rows(file: DataFile, scan: Scan, wanted: CsvFormat, refused: Collection[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(file) as text:
        reader = read_records(text, wanted)
        line = 1
        try:
            for count, record in enumerate(reader):
                first = line
                line = reader.line_num + 1
                if record and count >= scan.header_lines and count + 1 not in refused:
                    yield first, dict(zip(scan.types, record, strict=False))
        except csv.Error:
            return


def _json_rows(file: DataFile) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_text(file) as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, _object(line)


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _parquet_text(connection: Any, file: DataFile, row: int, column: str) -> str:
    query = f"SELECT CAST({identifier(column)} AS VARCHAR) FROM read_parquet({literal(str(file.path))}) WHERE file_row_number = {row}"
    found = connection.execute(query).fetchall()
    return str(found[0][0] or "")[:_LONGEST] if found else ""
