"""Data files as DuckDB tables: what format each has, which columns, and the SQL that scans files of the same shape together."""

from __future__ import annotations

import codecs
import csv
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat
from l4m.sources.tables.identifiers import literal

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_PIECE = 1 << 20
_GLOB = set("*?[")


@dataclass(frozen=True)
class ParquetFormat:
    """Parquet describes itself."""


Format = CsvFormat | JsonFormat | ParquetFormat


@dataclass(frozen=True)
class DataFile:
    """A file as it is read, and the name that messages give it."""

    path: Path
    name: str
    is_gzip: bool = False


@dataclass(frozen=True)
class Scan:
    """Files of one shape: the SQL that reads them, and the columns it has with their DuckDB types."""

    files: tuple[DataFile, ...]
    sql: str
    types: dict[str, str]
    format: Format
    header_lines: int = 0


def detect_format(path: Path) -> Format:
    """The format that a file's first bytes and name speak for."""
    with path.open("rb") as file:
        head = file.read(4)
    if head == _PARQUET:
        return ParquetFormat()
    compression = "GZIP" if head.startswith(_GZIP) else "NONE"
    line = _first_line(DataFile(path, path.name, compression == "GZIP"))
    if line.lstrip().startswith("{"):
        return JsonFormat(compression)
    return CsvFormat(compression, delimiter=max(",\t;|", key=line.count))


def prepare(path: Path, name: str, wanted: Format, folder: Path) -> DataFile:
    """A file ready to be read: its charset turned into UTF-8, its name free of wildcards."""
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == _GZIP
        charset = _charset(wanted)
        if charset not in ("utf-8", "ascii"):
            return DataFile(_transcode(path, name, charset, is_gzip, folder), name)
        if _GLOB & set(str(path)):
            link = folder / f"{len(list(folder.iterdir())):06d}"
            link.symlink_to(path.resolve())
            return DataFile(link, name, is_gzip)
    except OSError as error:
        raise InvalidInput(Fault(name, f"cannot be read: {error.strerror or error}")) from error
    return DataFile(path, name, is_gzip)


def plan_scans(connection: Any, files: Sequence[DataFile], wanted: Format, columns: Sequence[str]) -> list[Scan]:
    """One scan per shape of file; empty text files are left out. ``columns`` are the ones that JSON is asked for."""
    shapes: dict[tuple[tuple[str, str], ...], list[DataFile]] = {}
    for file in files:
        types = _shape(connection, file, wanted, columns)
        if types:
            shapes.setdefault(tuple(types), []).append(file)
    return [_scan(tuple(group), dict(shape), wanted) for shape, group in shapes.items()]


@contextmanager
def open_text(file: DataFile) -> Iterator[IO[str]]:
    """A text file's lines, unzipped."""
    opener: Any = gzip.open if file.is_gzip else open
    with opener(file.path, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
        yield text


def read_records(lines: Iterable[str], wanted: CsvFormat) -> Any:
    """A reader of delimited text; it knows the line at which a record ends."""
    if not wanted.quote:
        return csv.reader(lines, delimiter=wanted.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=wanted.delimiter, quotechar=wanted.quote)


def _shape(connection: Any, file: DataFile, wanted: Format, columns: Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(wanted, ParquetFormat):
        rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(file.path))})").fetchall()
        return [(row[0], row[1]) for row in rows]
    line = _first_line(file)
    if not line.strip():
        return []
    if isinstance(wanted, JsonFormat):
        return [(column, "VARCHAR") for column in columns]
    names = _header(file, line, wanted)
    return [(name, "VARCHAR") for name in names]


def _header(file: DataFile, line: str, wanted: CsvFormat) -> list[str]:
    if not wanted.has_header:
        if not wanted.headers:
            raise InvalidInput(Fault(file.name, "has no header line: name its columns"))
        return list(wanted.headers)
    names = next(read_records([line], wanted))
    seen: dict[str, int] = {}
    for name in names:
        seen[name.strip()] = seen.get(name.strip(), 0) + 1
    repeated = [name for name, count in seen.items() if count > 1 and name]
    if repeated:
        raise InvalidInput(*(Fault(f"{file.name}, line 1", f"the column {name!r} stands there twice") for name in repeated))
    return [name.strip() or f"column {number}" for number, name in enumerate(names, 1)]


def _scan(files: tuple[DataFile, ...], types: dict[str, str], wanted: Format) -> Scan:
    paths = "[" + ", ".join(literal(str(file.path)) for file in files) + "]"
    columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in types) + "}"
    if isinstance(wanted, ParquetFormat):
        return Scan(files, f"read_parquet({paths})", types, wanted)
    compression = "gzip" if files[0].is_gzip else "none"
    if isinstance(wanted, JsonFormat):
        options = f"format = 'newline_delimited', ignore_errors = true, compression = '{compression}', columns = {columns}"
        return Scan(files, f"read_json({paths}, {options})", types, wanted)
    quote = literal(wanted.quote)
    options = (
        f"auto_detect = false, header = {str(wanted.has_header).lower()}, delim = {literal(wanted.delimiter)}, quote = {quote}, "
        f"escape = {quote}, compression = '{compression}', columns = {columns}, store_rejects = true, rejects_limit = 1000"
    )
    return Scan(files, f"read_csv({paths}, {options})", types, wanted, int(wanted.has_header))


def _first_line(file: DataFile) -> str:
    try:
        with open_text(file) as text:
            return next((line for line in text if line.strip()), "")
    except (OSError, EOFError) as error:
        raise InvalidInput(Fault(file.name, f"cannot be read: {error}")) from error


def _charset(wanted: Format) -> str:
    name = "UTF-8" if isinstance(wanted, ParquetFormat) else wanted.charset
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise InvalidInput(Fault("charset", f"{name!r} is not known")) from error


def _transcode(path: Path, name: str, charset: str, is_gzip: bool, folder: Path) -> Path:
    target = folder / f"{len(list(folder.iterdir())):06d}"
    opener: Any = gzip.open if is_gzip else open
    try:
        with opener(path, "rt", encoding=charset, newline="") as source, target.open("w", encoding="utf-8", newline="") as out:
            while piece := source.read(_PIECE):
                out.write(piece)
    except UnicodeDecodeError as error:
        raise InvalidInput(Fault(name, f"is not written in {charset}: {error}")) from error
    return target


def json_columns(file: DataFile, lines: int = 1000) -> set[str]:
    """The keys that turn up in a JSON file's first lines."""
    keys: set[str] = set()
    with open_text(file) as text:
        for _, line in zip(range(lines), text, strict=False):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            keys |= set(row) if isinstance(row, dict) else set()
    return keys
