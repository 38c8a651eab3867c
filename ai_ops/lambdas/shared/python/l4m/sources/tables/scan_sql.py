"""The queries of one scan: its rows as numbers (time slot, leaf hash, measures), and the dimension values of some rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat, TimestampColumn
from l4m.sources.tables.formats import ParquetFormat, json_keys, open_text, read_records
from l4m.sources.tables.identifiers import identifier, literal
from l4m.sources.tables.remedies import setting
from l4m.sources.tables.scan_plan import Scan
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import time_expression

MISSING = -(2**31)
UNPARSABLE = -(2**31) + 1
IMPLAUSIBLE = -(2**31) + 2
FILTERED = 0
WHOLE = 1
FILE, SLOT, IS_UTC, LEAF, MEASURES = range(5)  # columns of ``row_query``
_NUMERIC = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN")
_MICROSECONDS = 1_000_000
_HEADER_DEPTH = 50  # lines in which a header is looked for
_SHOWN_COLUMNS = 40
_LONGEST_NAME = 80


def row_query(scan: Scan, spec: TableSpec, slot_seconds: int) -> str:
    """SQL with the columns file, slot, is_utc, leaf, one per measure, and where the rows are from.

    The last is one column per dimension; for Parquet, where copying texts would take most of the time, it is the row's number.
    The leaf of a row with empty dimensions has the bits of those dimensions set and no other. Of a shard, only its rows are there.
    """
    columns = ["file_index AS file", _time(scan, spec.timestamp)]
    columns += [f"{_number(scan, one.name, spec)} AS m{n}" for n, one in enumerate(spec.measures)]
    columns += [f"{_text(scan, name)} AS d{n}" for n, name in enumerate(spec.dimensions)]
    columns += [f"{_passes(scan, spec.filters)} AS passes", *(["file_row_number AS row"] if has_row_numbers(scan) else [])]
    outer = ["CAST(file AS INTEGER)", _slot(slot_seconds), "CAST(is_utc AS UTINYINT)", _leaf(len(spec.dimensions))]
    outer += [f"m{n}" for n in range(len(spec.measures))]
    outer += ["row"] if has_row_numbers(scan) else [f"d{n}" for n in range(len(spec.dimensions))]
    rows = f"SELECT {', '.join(columns)} FROM {scan.sql} AS source"
    if spec.shard is None:
        return f"SELECT {', '.join(outer)} FROM ({rows})"
    number, shards = spec.shard
    return f"SELECT {', '.join(outer)} FROM ({rows}) WHERE {_leaf(len(spec.dimensions))} % {shards} = {number}"


def has_row_numbers(scan: Scan) -> bool:
    """Whether rows can be found again by their number."""
    return isinstance(scan.format, ParquetFormat)


def leaf_query(scan: Scan, dimensions: Sequence[str], rows: str) -> str:
    """SQL with the dimension values of the rows that the table ``rows`` names by file, row and position, in that order."""
    columns = [f"{_text(scan, name)} AS d{n}" for n, name in enumerate(dimensions)]
    inner = f"SELECT file_index AS file, file_row_number AS row, {', '.join(columns)} FROM {scan.sql} AS source"
    values = ", ".join(f"d{n}" for n in range(len(dimensions)))
    return f"SELECT {values} FROM ({inner}) JOIN {rows} USING (file, row) ORDER BY position"


def time_range(connection: Any, scan: Scan, column: str) -> tuple[int, int] | None:
    """Epoch seconds of a scan's first and last time, where the file itself knows them; None where they would have to be read."""
    if not isinstance(scan.format, ParquetFormat) or not scan.types[column].startswith(("TIMESTAMP", "DATE")):
        return None
    name = identifier(column)
    ((first, last),) = connection.execute(
        f"SELECT epoch_us(min({name})) // 1000000, epoch_us(max({name})) // 1000000 FROM {scan.sql}"
    ).fetchall()
    return None if first is None else (int(first), int(last))


def time_census(scan: Scan, timestamp: TimestampColumn, seconds: int) -> str:
    """SQL with the stretches of so many seconds that hold times, and how many rows each holds."""
    rows = f"SELECT {_time(scan, timestamp)} FROM {scan.sql} AS source"
    return f"SELECT {_slot(seconds)} AS stretch, count(*) FROM ({rows}) GROUP BY stretch"


def check_columns(scan: Scan, spec: TableSpec) -> None:
    """Refuse a scan that lacks a column, naming its first file and what it has."""
    is_json = isinstance(scan.format, JsonFormat)
    present = json_keys(scan.files[0]) if is_json else set(scan.types)
    missing = [name for name in spec.columns if name not in present and not (is_json and _is_path(name, spec, present))]
    if missing:
        line = f", line {scan.header_lines}" if scan.header_lines else ""
        first, *others = [f"{scan.files[0].name}{line}, column {name}" for name in missing]
        there = _describe_columns(sorted(present) if is_json else list(scan.types))
        advice = _find_header(scan, spec, missing) if isinstance(scan.format, CsvFormat) else ""
        raise InvalidInput(Fault(first, f"does not exist; {there}{advice}"), *(Fault(one, "does not exist") for one in others))


def _is_path(name: str, spec: TableSpec, keys: set[str]) -> bool:
    return spec.fields.get(name, name).split(".")[0] in keys and (name in spec.fields or "." in name)


def _find_header(scan: Scan, spec: TableSpec, missing: Sequence[str]) -> str:
    """What helps if the header stands further down, or is written in other letters."""
    if not isinstance(scan.format, CsvFormat):
        return ""
    file = scan.files[0]
    with open_text(file) as text:
        for number, line in enumerate(islice(text, _HEADER_DEPTH), file.blank):
            if set(spec.columns) <= {name.strip() for name in next(read_records([line], scan.format), [])}:
                advice = setting("skip", str(number), spec)
                return f"; line {number + 1} has them all" + (f": {advice}" if advice else "")
    folded = {name.casefold().strip(): name for name in scan.types}
    alike = next((folded[name.casefold()] for name in missing if name.casefold() in folded), "")
    return f"; is it {alike}?" if alike else ""


def _describe_columns(names: Sequence[str]) -> str:
    """The columns that a file has, and what may be wrong with it.

    >>> _describe_columns(["ts;views"])
    "there is only 'ts;views'; is the delimiter ';'?"
    """
    if not names:
        return "there are none; is it one JSON object a line?"
    if len(names) == 1 and (found := next((one for one in ",;\t|" if one in names[0]), None)):
        return f"there is only {names[0]!r}; is the delimiter {found!r}?"
    more = f" and {len(names) - _SHOWN_COLUMNS:,} more" if len(names) > _SHOWN_COLUMNS else ""
    return f"there are {', '.join(_shorten(name) for name in names[:_SHOWN_COLUMNS])}{more}"


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "\N{HORIZONTAL ELLIPSIS}"


def _time(scan: Scan, timestamp: TimestampColumn) -> str:
    column = _column(scan, timestamp.name)
    type_ = scan.types[timestamp.name]
    if type_ == "VARCHAR":
        column = f"nullif({column}, '')"
    time = time_expression(column, type_, timestamp.format)
    return f"{column} IS NULL AS no_time, {time.microseconds} AS us, {time.is_utc} AS is_utc"


def _slot(slot_seconds: int) -> str:
    slot = f"floor(CAST(us AS DOUBLE) / {slot_seconds * _MICROSECONDS})"  # exact below 2**53, the year 2255, and quicker than integers
    none = f"CASE WHEN no_time THEN {MISSING} WHEN us IS NULL THEN {UNPARSABLE} ELSE {IMPLAUSIBLE} END"
    return f"coalesce(TRY_CAST({slot} AS INTEGER), {none})"


def _number(scan: Scan, name: str, spec: TableSpec) -> str:
    column = _column(scan, name)
    type_ = scan.types[name]
    if type_.startswith(_NUMERIC) and not type_.startswith("UUID"):
        return f"coalesce(CAST({column} AS DOUBLE), 'nan'::DOUBLE)"
    if type_ != "VARCHAR":
        raise InvalidInput(Fault(f"{scan.files[0].name}, column {name}", f"holds {type_}, not numbers"))
    text = f"replace({column}, {literal(spec.thousands)}, '')" if spec.thousands else column
    text = f"replace({text}, {literal(spec.decimal)}, '.')" if spec.decimal != "." else text
    return f"CASE WHEN nullif({column}, '') IS NULL THEN 'nan'::DOUBLE ELSE coalesce(TRY_CAST({text} AS DOUBLE), 'inf'::DOUBLE) END"


def _text(scan: Scan, name: str) -> str:
    column = _column(scan, name)
    return f"ifnull({column if scan.types[name] == 'VARCHAR' else f'CAST({column} AS VARCHAR)'}, '')"


def _passes(scan: Scan, filters: Mapping[str, Sequence[str]]) -> str:
    tests = [f"{_text(scan, name)} IN ({', '.join(map(literal, allowed))})" for name, allowed in filters.items() if allowed]
    return " AND ".join(tests) or "true"


def _leaf(dimensions: int) -> str:
    names = [f"d{n}" for n in range(dimensions)]
    is_empty = " OR ".join(f"{name} = ''" for name in names) or "false"
    which = " + ".join(f"{1 << n} * CAST({name} = '' AS UBIGINT)" for n, name in enumerate(names)) or "0"
    leaf = f"hash({', '.join(names)})" if names else f"{WHOLE}::UBIGINT"
    return f"CASE WHEN NOT passes THEN {FILTERED}::UBIGINT WHEN {is_empty} THEN {which}::UBIGINT ELSE {leaf} END"


def _column(scan: Scan, name: str) -> str:
    return f"source.{identifier(name)}"
