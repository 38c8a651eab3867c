"""Where in a file a row stands, and what it says there: found only when a message needs it."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from l4m.model import CsvFormat, JsonFormat
from l4m.sources.tables.formats import DataFile, open_bytes, open_text, read_records
from l4m.sources.tables.identifiers import identifier, literal
from l4m.sources.tables.scan_plan import Scan

_LONGEST = 60
_PIECE = 1 << 20
_BLANK_LINES = (b"\n\n", b"\n\r")


def locate(connection: Any, scan: Scan, file: DataFile, row: int, *, column: str, refused: Collection[int] = ()) -> tuple[int, str]:
    """The line (in Parquet: the row) counted from 1, and the text in ``column``, of a file's row counted from 0.

    ``refused`` are the numbers, counted from 1 and with the header, of records that were not rows at all.
    """
    if isinstance(scan.format, CsvFormat):
        found = _find_csv(file, scan, scan.format, row, refused)
        text = found[1].get(column) if found else None
    elif isinstance(scan.format, JsonFormat):
        found = _find_json(file, row)
        text = _field(found[1], scan.paths.get(column, (column,))) if found else None
    else:
        return row + 1, _parquet_text(connection, file, row, column)
    return found[0] if found else row + 1 + scan.header_lines, str(text or "")[:_LONGEST]


def line_at(file: DataFile, position: int) -> int:
    """The line, counted from 1, that a byte of a text file stands on; ``position`` counts from 1 in the unzipped file."""
    line = 1
    left = position - 1
    with open_bytes(file) as content:
        while left > 0 and (piece := content.read(min(left, _PIECE))):
            line += piece.count(b"\n")
            left -= len(piece)
        while (sign := content.read(1)) in (b"\n", b"\r"):  # blank lines that the database counts to the row after them
            line += sign == b"\n"
    return line


def _find_csv(file: DataFile, scan: Scan, wanted: CsvFormat, row: int, refused: Collection[int]) -> tuple[int, dict[str, Any]] | None:
    begin, records = _skip_plain_lines(file, wanted, scan.header_lines + row)
    row -= max(0, records - scan.header_lines) - sum(scan.header_lines < number <= records for number in refused)
    with open_text(replace(file, begin=begin)) as text:
        lines = text if records > file.skip else islice(text, file.skip - records, None)
        records = max(records, file.skip)
        line = records + 1
        reader = read_records(lines, wanted)
        try:
            for count, record in enumerate(reader, records):
                first = line
                line = records + reader.line_num + 1
                if record and count >= scan.header_lines and count + 1 not in refused:
                    if not row:
                        return first, dict(zip(scan.types, record, strict=False))
                    row -= 1
        except csv.Error:
            pass
    return None


def _skip_plain_lines(file: DataFile, wanted: CsvFormat, lines: int) -> tuple[int, int]:
    """Where to begin to look for a record: after so many bytes, and so many lines that are one record each."""
    begin, skipped = file.begin, file.blank
    with open_bytes(file) as content:
        content.seek(begin)
        position = begin
        last = b""
        while piece := content.read(_PIECE):
            count = piece.count(b"\n")
            is_plain = not (wanted.quote and wanted.quote.encode() in piece) and not any(gap in last + piece for gap in _BLANK_LINES)
            if not is_plain or b"\r" in piece.replace(b"\r\n", b"") or skipped + count >= lines:
                break
            end = piece.rfind(b"\n") + 1
            begin, skipped = (position + end, skipped + count) if end else (begin, skipped)
            position = position + len(piece)
            last = piece[-2:]
    return begin, skipped


def _find_json(file: DataFile, row: int) -> tuple[int, dict[str, Any]] | None:
    with open_text(file) as text:
        filled = ((number, line) for number, line in enumerate(text, file.blank + 1) if line.strip())
        number, line = next(islice(filled, row, None), (0, ""))
    if not number:
        return None
    lines = file.mended.lines if file.mended else None
    return (number if lines is None else lines[row]), _object(line)


def _field(row: dict[str, Any], path: Sequence[str]) -> Any:
    """What an object holds where a path of keys leads."""
    found: Any = row
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _parquet_text(connection: Any, file: DataFile, row: int, column: str) -> str:
    query = f"SELECT CAST({identifier(column)} AS VARCHAR) FROM read_parquet({literal(str(file.path))}) WHERE file_row_number = {row}"
    found = connection.execute(query).fetchall()
    return str(found[0][0] or "")[:_LONGEST] if found else ""
