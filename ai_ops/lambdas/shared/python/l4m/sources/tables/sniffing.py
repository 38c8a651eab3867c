"""The head of a text file: unpacked, decoded, split into rows, and what it says about its own format."""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, Frequency, JsonFormat

Rows = list[list[str]]
_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t|"
_CHARSETS = ("utf-8-sig", "utf-8", "utf-16", "iso-8859-1")


@dataclass(frozen=True)
class Head:
    """Names of the columns and the first rows, all as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def unpack(head: bytes) -> tuple[str, bytes]:
    """Compression of a file by its first bytes, and those bytes without it."""
    if not head.startswith(_GZIP):
        return "NONE", head
    try:
        return "GZIP", zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head)
    except zlib.error as error:
        raise InvalidInput(Fault("S3SourceConfig", f"the file begins like GZIP but cannot be unpacked: {error}")) from error


def parse_head(head: bytes, form: CsvFormat | JsonFormat, count: int, is_whole: bool) -> Head:
    """Columns and the first ``count`` rows; a last line that was cut off is left out."""
    try:
        text = unpack(head)[1].decode("utf-8-sig" if form.charset.upper() in ("UTF-8", "UTF8") else form.charset, errors="replace")
    except LookupError as error:
        raise InvalidInput(Fault("S3SourceConfig", f"charset {form.charset!r} is unknown")) from error
    lines = text.splitlines()
    if not is_whole and not text.endswith("\n"):
        lines = lines[:-1]
    return _json_head(lines, count) if isinstance(form, JsonFormat) else _csv_head(lines, form, count)


def guess_charset(head: bytes) -> str:
    """The first charset that can read the bytes."""
    for charset in _CHARSETS:
        try:
            head[: len(head) - 4].decode(charset)
        except UnicodeDecodeError as error:
            if error.start < len(head) - 8:
                continue
        if charset != "utf-16" or head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "UTF-8" if charset.startswith("utf-8") else charset.upper()
    return "UTF-8"


def guess_delimiter(lines: Sequence[str]) -> str:
    """The sign that splits every line into the same number of fields, at least two."""
    counts = {sign: {len(row) for row in csv.reader(lines, delimiter=sign)} for sign in _DELIMITERS}
    fitting = [sign for sign, found in counts.items() if len(found) == 1 and found != {1}]
    return max(fitting, key=lambda sign: max(counts[sign]), default=",")


def guess_header(rows: Rows) -> bool:
    """Whether the first row names columns: no number in it, and distinct names."""
    return bool(rows) and not any(_is_number(field) or not field for field in rows[0]) and len(set(rows[0])) == len(rows[0])


def guess_frequency(rows: Sequence[Sequence[str]]) -> Frequency | None:
    """The frequency whose length is the smallest gap between two times in a column of ISO times."""
    for column in zip(*rows, strict=False):
        try:
            times = sorted({datetime.fromisoformat(value).replace(tzinfo=None) for value in column})
        except ValueError:
            continue
        gaps = [int((later - earlier).total_seconds()) for earlier, later in pairwise(times)]
        fitting = [frequency for frequency in Frequency if gaps and frequency.seconds <= min(gaps)]
        if fitting:
            return max(fitting, key=lambda frequency: frequency.seconds)
    return None


def _csv_head(lines: Sequence[str], form: CsvFormat, count: int) -> Head:
    quoting = {"quotechar": form.quote} if form.quote else {"quoting": csv.QUOTE_NONE}
    rows: Rows = list(csv.reader(lines[: count + 1], delimiter=form.delimiter or ",", **quoting))
    names = rows.pop(0) if form.has_header and rows else []
    width = max((len(row) for row in rows), default=0)
    columns = tuple(form.headers) or tuple(names) or tuple(f"column{number}" for number in range(1, width + 1))
    return Head(columns, tuple(tuple(row) for row in rows[:count]))


def _json_head(lines: Sequence[str], count: int) -> Head:
    try:
        records = [json.loads(line) for line in lines[:count] if line.strip()]
    except ValueError as error:
        raise InvalidInput(Fault("S3SourceConfig", f"a line is not JSON: {error}")) from error
    if not all(isinstance(record, dict) for record in records):
        raise InvalidInput(Fault("S3SourceConfig", "a line is not a JSON object"))
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    return Head(columns, tuple(tuple(_text(record.get(name)) for name in columns) for record in records))


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
