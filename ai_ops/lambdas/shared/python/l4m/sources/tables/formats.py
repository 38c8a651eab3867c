"""Data files and their formats: what a file's first bytes say of it, and its text."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat
from l4m.sources.tables.mended import Mended
from l4m.sources.tables.sniffing import guess_delimiter

_PARQUET = b"PAR1"
_LONGEST_LINE = 1 << 24  # characters that are looked at
_HEAD_LINES = 20  # that speak for a file's delimiter
_DELIMITERS = ",\t;|"
_FIELD_LIMIT = 1 << 24  # characters of a field; the csv module's own limit is too small for some headers
_MARK = "\ufeff"

csv.field_size_limit(_FIELD_LIMIT)


@dataclass(frozen=True)
class ParquetFormat:
    """Parquet describes itself."""


Format = CsvFormat | JsonFormat | ParquetFormat


@dataclass(frozen=True)
class TextOptions:
    """What is known of text files beforehand; the rest is found out file by file."""

    charset: str = ""
    delimiter: str = ""
    columns: tuple[str, ...] = ()  # of files without a header line
    skip: int = 0  # lines before the header


@dataclass(frozen=True)
class DataFile:
    """A file as it is read, and the name that messages give it."""

    path: Path
    name: str
    is_gzip: bool = False
    begin: int = 0  # bytes of blank lines that it begins with
    blank: int = 0  # those lines
    skip: int = 0  # lines before the header, blank ones included
    charset: str = ""  # that it was found to be written in, other than said
    mended: Mended | None = None


def detect_text_format(file: DataFile, text: TextOptions) -> CsvFormat | JsonFormat:
    """The format that a text file's first lines speak for, as far as ``text`` leaves it open."""
    compression = "GZIP" if file.is_gzip else "NONE"
    charset = text.charset or "UTF-8"
    lines = first_lines(file, _HEAD_LINES)
    if not (text.columns or text.delimiter or text.skip) and lines and lines[0].lstrip()[:1] in ("{", "["):
        return JsonFormat(compression, charset)
    delimiter = text.delimiter or excel_delimiter(lines) or _delimiter(lines[text.skip :])
    return CsvFormat(compression, charset, not text.columns, delimiter, text.columns)


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet does."""
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def excel_delimiter(lines: list[str]) -> str:
    """The delimiter that a line such as ``sep=;`` names, which Excel writes before the header."""
    line = lines[0].strip("\r\n ") if lines else ""
    return line[4:] if len(line) == len("sep=;") and line.lower().startswith("sep=") else ""


def first_lines(file: DataFile, count: int) -> list[str]:
    """A text file's first lines that are not blank."""
    try:
        with open_text(file) as text:
            pieces = iter(partial(text.readline, _LONGEST_LINE), "")
            return list(islice((line for line in pieces if line.strip()), count))
    except (OSError, EOFError, zlib.error) as error:
        raise cannot_be_read(file.name, error) from error


@contextmanager
def open_text(file: DataFile) -> Iterator[IO[str]]:
    """A text file's lines from the first that is not blank, unzipped."""
    with open_bytes(file) as content:
        content.seek(file.begin)
        yield io.TextIOWrapper(content, encoding="utf-8-sig", errors="replace", newline="")


@contextmanager
def open_bytes(file: DataFile) -> Iterator[IO[bytes]]:
    """A file's bytes, unzipped."""
    opener: Any = gzip.open if file.is_gzip else open
    with opener(file.path, "rb") as content:
        yield content


def read_records(lines: Iterable[str], wanted: CsvFormat) -> Any:
    """A reader of delimited text; it knows the line at which a record ends."""
    if not wanted.quote:
        return csv.reader(lines, delimiter=wanted.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=wanted.delimiter, quotechar=wanted.quote)


def json_keys(file: DataFile, lines: int = 1000) -> set[str]:
    """The keys that turn up in a JSON file's first lines."""
    keys: set[str] = set()
    with open_text(file) as text:
        for line in islice(text, lines):
            try:
                row = json.loads(line.lstrip(_MARK))
            except (ValueError, RecursionError):
                continue
            keys |= set(row) if isinstance(row, dict) else set()
    return keys


def cannot_be_read(name: str, error: Exception) -> InvalidInput:
    """The refusal of a file that the operating system or a decoder does not give."""
    return InvalidInput(Fault(name, f"cannot be read: {getattr(error, 'strerror', None) or error}"))


def _delimiter(lines: list[str]) -> str:
    guessed = guess_delimiter(lines)
    if not lines or guessed in lines[0]:
        return guessed
    return max(_DELIMITERS, key=lines[0].count)
