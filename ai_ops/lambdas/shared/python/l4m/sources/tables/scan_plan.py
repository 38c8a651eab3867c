"""Files of one shape as one scan: the SQL that reads them together, and the columns that it has."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat
from l4m.sources.tables.csv_mending import mend_csv
from l4m.sources.tables.file_preparation import decode, find_begin, prepare, skip_lines
from l4m.sources.tables.formats import (
    DataFile,
    Format,
    ParquetFormat,
    cannot_be_read,
    detect_text_format,
    first_lines,
    is_parquet,
    json_keys,
    open_text,
    read_records,
)
from l4m.sources.tables.identifiers import identifier, literal
from l4m.sources.tables.json_mending import is_one_object_a_line, mend_json
from l4m.sources.tables.table_spec import TableSpec

_HEADER_LINES = 100  # of one header, at most
_NO_OBJECTS = (
    "SELECT count(*) FROM {lines} WHERE trim(line) <> '' AND CASE WHEN json_valid(line) THEN json_type(line) <> 'OBJECT' ELSE true END"
)
_LINE_ENDS = re.compile(r"\s*[\r\n]+\s*")

Columns = tuple[tuple[str, str], ...]  # name and DuckDB type


@dataclass(frozen=True)
class Scan:
    """Files of one shape: the SQL that reads them, and the columns it has with their DuckDB types."""

    files: tuple[DataFile, ...]
    sql: str
    types: dict[str, str]
    format: Format
    header_lines: int = 0
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the keys that lead to a column of JSON


@dataclass(frozen=True)
class TableFile:
    """A file, its format, and the names of its columns (of JSON: those that are asked for)."""

    file: DataFile
    format: Format
    columns: Columns


class TableFiles:
    """The files of a table while they are read; what is written on the way goes into ``folder``."""

    def __init__(self, connection: Any, folder: Path, spec: TableSpec) -> None:
        self._connection = connection
        self._folder = folder
        self._spec = spec
        self._tables: list[TableFile] = []

    @property
    def files(self) -> list[DataFile]:
        """All files that hold something."""
        return [table.file for table in self._tables]

    def is_parquet(self, file: DataFile) -> bool:
        """Whether a file is Parquet rather than text."""
        return any(table.file == file and isinstance(table.format, ParquetFormat) for table in self._tables)

    def open(self, paths: Sequence[Path], names: Sequence[str]) -> None:
        """Look into files; empty ones of text are left out."""
        for path, name in zip(paths, names, strict=True):
            for file in prepare(path, name, self._folder):
                self._add(file)

    def scans(self) -> list[Scan]:
        """One scan per shape of file."""
        shapes: dict[tuple[Any, ...], list[DataFile]] = {}
        for table in self._tables:
            key = table.columns, table.format, table.file.skip, table.file.is_gzip
            shapes.setdefault(key, []).append(table.file)
        return [self._scan(tuple(files), dict(columns), form) for (columns, form, *_), files in shapes.items()]

    def mend(self, files: Sequence[DataFile]) -> None:
        """Write some text files anew, so that every row of them can be read."""
        self._tables = [self._mended(table) if table.file in files else table for table in self._tables]

    def _add(self, file: DataFile) -> None:
        if not file.path.stat().st_size:
            return
        stated = self._spec.format
        if is_parquet(file.path) or isinstance(stated, ParquetFormat):
            self._tables.append(TableFile(file, ParquetFormat(), self._describe(file)))
            return
        file = decode(file, stated.charset if stated else self._spec.text.charset or "UTF-8", self._folder)
        lines = first_lines(file, 1)
        if lines:
            self._add_text(file, stated or detect_text_format(file, self._spec.text), lines[0])

    def _add_text(self, file: DataFile, wanted: CsvFormat | JsonFormat, line: str) -> None:
        if isinstance(wanted, JsonFormat):
            table = TableFile(file, wanted, tuple((name, "VARCHAR") for name in self._spec.columns))
            self._tables.append(table if is_one_object_a_line(file) else self._mended(table))
        else:
            file = skip_lines(file, self._spec.text, line)
            self._tables.append(TableFile(file, wanted, tuple((name, "VARCHAR") for name in _header(file, wanted))))

    def _describe(self, file: DataFile) -> Columns:
        try:
            rows = self._connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(str(file.path))})").fetchall()
        except duckdb.Error as error:
            raise InvalidInput(Fault(file.name, f"cannot be read: {str(error).strip().splitlines()[0]}")) from error
        return tuple((row[0], row[1]) for row in rows)

    def _mended(self, table: TableFile) -> TableFile:
        target = self._folder / f"mended-{len(list(self._folder.iterdir())):06d}"
        try:
            if isinstance(table.format, CsvFormat):
                mended = mend_csv(table.file, table.format, len(table.columns), target)
            else:
                mended = mend_json(table.file, target)
        except (OSError, EOFError) as error:
            raise cannot_be_read(table.file.name, error) from error
        return replace(table, file=find_begin(replace(table.file, path=target, is_gzip=False, mended=mended)))

    def _scan(self, files: tuple[DataFile, ...], types: dict[str, str], wanted: Format) -> Scan:
        paths = "[" + ", ".join(literal(str(file.path)) for file in files) + "]"
        if isinstance(wanted, ParquetFormat):
            return Scan(files, f"read_parquet({paths})", types, wanted)
        compression = "gzip" if files[0].is_gzip else "none"
        if isinstance(wanted, JsonFormat):
            where = _json_paths(types, self._spec.fields, json_keys(files[0]))
            return Scan(files, _json_sql(paths, compression, where), types, wanted, paths=where)
        columns = "{" + ", ".join(f"{literal(name)}: 'VARCHAR'" for name in types) + "}"
        quote = literal(wanted.quote)
        skip = files[0].skip
        options = (
            f"auto_detect = false, header = {str(wanted.has_header).lower()}, delim = {literal(wanted.delimiter)}, quote = {quote}, "
            f"escape = {quote}, compression = '{compression}', columns = {columns}, skip = {skip}, "
            "store_rejects = true, rejects_limit = 0"
        )
        return Scan(files, f"read_csv({paths}, {options})", types, wanted, skip + int(wanted.has_header))


def _json_sql(paths: str, compression: str, where: Mapping[str, tuple[str, ...]]) -> str:
    """One column a key; those that are asked for and lie deeper are taken out of the key that holds them."""
    keys = {path[0]: "VARCHAR" for path in where.values()} | {path[0]: "JSON" for path in where.values() if len(path) > 1}
    columns = "{" + ", ".join(f"{literal(key)}: '{kind}'" for key, kind in keys.items()) + "}"
    options = f"format = 'newline_delimited', ignore_errors = true, compression = '{compression}', columns = {columns}"
    table = f"read_json({paths}, {options})"
    if all(path == (name,) for name, path in where.items()):
        return table
    taken = ", ".join(f"{_take(path, keys)} AS {identifier(name)}" for name, path in where.items())
    return f"(SELECT file_index, {taken} FROM {table})"


def count_broken_json(connection: Any, file: DataFile) -> int:
    """How many lines of a file hold something that is no JSON; a file that cannot be read as text counts as one."""
    compression = "gzip" if file.is_gzip else "none"
    options = f"auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', compression = '{compression}'"
    lines = f"read_csv({literal(str(file.path))}, columns = {{'line': 'VARCHAR'}}, {options})"
    try:
        ((count,),) = connection.execute(_NO_OBJECTS.format(lines=lines)).fetchall()
    except duckdb.Error:
        return 1
    return int(count)


def _json_paths(names: Mapping[str, str], fields: Mapping[str, str], keys: set[str]) -> dict[str, tuple[str, ...]]:
    """The keys that lead to each column; a name with dots is a path where no key is called so."""
    asked = {name: fields.get(name, name) for name in names}
    return {name: (path,) if path in keys or "." not in path else tuple(path.split(".")) for name, path in asked.items()}


def _take(path: Sequence[str], keys: Mapping[str, str]) -> str:
    column = identifier(path[0])
    if keys[path[0]] == "VARCHAR":
        return column
    inner = "".join('."' + key.replace('"', '\\"') + '"' for key in path[1:])
    return f"json_extract_string({column}, {literal('$' + inner)})"


def _header(file: DataFile, wanted: CsvFormat) -> list[str]:
    if len(wanted.delimiter) != 1:
        raise InvalidInput(Fault("delimiter", f"{wanted.delimiter!r} is not one character"))
    if not wanted.has_header:
        if not wanted.headers:
            raise InvalidInput(Fault(file.name, "has no header line: name its columns"))
        return list(wanted.headers)
    names = _header_record(file, wanted)
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    repeated = [name for name, count in seen.items() if count > 1 and name]
    if repeated:
        line = file.skip + 1
        raise InvalidInput(*(Fault(f"{file.name}, line {line}", f"the column {name!r} stands there twice") for name in repeated))
    return [name or f"column {number}" for number, name in enumerate(names, 1)]


def _header_record(file: DataFile, wanted: CsvFormat) -> list[str]:
    """The names in the header, which may go over several lines."""
    place = f"{file.name}, line {file.skip + 1}"
    try:
        with open_text(file) as text:
            lines = islice(text, file.skip - file.blank, None)
            reader = read_records(lines, wanted)
            record: list[str] = next(reader, [])
    except csv.Error as error:
        raise InvalidInput(Fault(place, f"is no header: {error}")) from error
    if reader.line_num > _HEADER_LINES:
        raise InvalidInput(Fault(place, "a quote opens in the header that never closes"))
    return [_LINE_ENDS.sub(" ", name).strip() for name in record]
