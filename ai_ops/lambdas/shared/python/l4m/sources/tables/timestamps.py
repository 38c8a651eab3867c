"""Times as users write them: Java patterns, UNIX, ISO and native columns, each as an SQL expression of microseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.identifiers import literal

UNIX = "UNIX"
ISO = "ISO"
EXCEL = "EXCEL"  # days since the end of 1899, as a spreadsheet counts them
MOST_FORMATS = 16  # that are tried on a time; each optional section doubles them
MILLISECONDS_FROM = 94_694_400_000  # a UNIX time above this counts milliseconds, one 1,000 times as large microseconds, and so on
_EXCEL_DAYS = 25_569  # from the day that Excel counts from until 1970

_TOKENS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|\[|\]|[^A-Za-z'\[\]]+|'")
_ZONE_LETTERS = "XxZzVO"
_SPECIFIERS = {
    "y": ("%Y", "%y", "%Y", "%Y"),
    "u": ("%Y", "%y", "%Y", "%Y"),
    "M": ("%m", "%m", "%b", "%B"),
    "L": ("%m", "%m", "%b", "%B"),
    "d": ("%d", "%d"),
    "D": ("%d", "%d", "%j"),
    "H": ("%H", "%H"),
    "k": ("%H", "%H"),
    "h": ("%I", "%I"),
    "m": ("%M", "%M"),
    "s": ("%S", "%S"),
    "S": ("%f",) * 6 + ("%n",) * 3,
    "a": ("%p",),
    "E": ("%a", "%a", "%a", "%A"),
    "X": ("%z",) * 5,
    "x": ("%z",) * 5,
    "Z": ("%z",) * 5,
    "z": ("%Z",) * 3,
    "V": ("%Z",) * 2,
}
_ISO_UTC = r"^(.{11,}(Z|z|[+-]\d\d(:?\d\d)?|\d ?(UTC|GMT))|-?\d{9,19}(\.\d+)?)$"  # carries its zone, or is a UNIX time after all
_ISO_BASIC = ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d", "%Y-%m-%d %H")
_NATIVE = ("TIMESTAMP", "DATE")
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
)


@dataclass(frozen=True)
class TimeExpression:
    """SQL for one timestamp column: microseconds (NULL when unparsable), and whether they are UTC rather than local."""

    microseconds: str
    is_utc: str


def check_format(pattern: str) -> None:
    """Refuse a timestamp format that cannot be understood."""
    if pattern.upper() not in (UNIX, ISO, EXCEL):
        _formats(pattern)


def time_expression(column: str, column_type: str, pattern: str) -> TimeExpression:
    """How a quoted column of a DuckDB type is read; a column that holds times already is read as such whatever the pattern."""
    if column_type.startswith(_NATIVE):
        is_utc = "true" if "TIME ZONE" in column_type else "false"
        return TimeExpression(f"epoch_us({column})", is_utc)
    is_number = column_type.startswith(_NUMBERS)
    if pattern.upper() == UNIX or (is_number and pattern.upper() == ISO):
        return TimeExpression(_unix(f"TRY_CAST({column} AS DOUBLE)"), "true")
    if pattern.upper() == EXCEL:
        return TimeExpression(_excel(f"TRY_CAST({column} AS DOUBLE)"), "false")
    text = f"CAST({column} AS VARCHAR)" if is_number else column
    return _iso(text) if pattern.upper() == ISO else _java(text, pattern)


def _unix(number: str) -> str:
    finer = " ".join(
        f"WHEN abs({number}) > {MILLISECONDS_FROM}e{3 * power} THEN {factor}" for power, factor in ((2, "1e-3"), (1, "1"), (0, "1e3"))
    )
    return f"TRY_CAST(floor({number} * CASE {finer} ELSE 1e6 END) AS BIGINT)"


def _excel(number: str) -> str:
    return f"TRY_CAST(round(({number} - {_EXCEL_DAYS}) * 86400) * 1e6 AS BIGINT)"  # to the second: fractions of a day are never exact


def _iso(text: str) -> TimeExpression:
    """The spellings that most files have are tried first; the others cost only where those do not fit."""
    is_utc = f"regexp_matches({text}, {literal(_ISO_UTC)})"
    closed = f"regexp_replace(regexp_replace(replace({text}, ',', '.'), '\\s+([-+])', '\\1'), '\\s*(UTC|GMT|z)$', 'Z')"
    utc = [
        f"epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))",
        _unix(f"TRY_CAST({text} AS DOUBLE)"),
        f"epoch_us(TRY_CAST({closed} AS TIMESTAMPTZ))",
        _parse(f"regexp_replace({text}, '[Zz]$', '+0000')", [f"{one}%z" for one in _ISO_BASIC[:2]]),
    ]
    local = [
        f"epoch_us(TRY_CAST({text} AS TIMESTAMP))",
        f"epoch_us(TRY_CAST(replace({text}, ',', '.') AS TIMESTAMP))",
        _parse(text, _ISO_BASIC),
        f"epoch_us(TRY_CAST(regexp_replace({text}, ':60(\\.0*)?$', ':59') AS TIMESTAMP))",
    ]
    ends_in_letter = f"{text}[-1] > '9'"  # the name of a zone or half of a day, which a cast would leave out of account
    microseconds = (
        f"CASE WHEN {is_utc} THEN coalesce({', '.join(utc)}) WHEN {ends_in_letter} THEN NULL ELSE coalesce({', '.join(local)}) END"
    )
    return TimeExpression(microseconds, f"coalesce({is_utc}, false)")


def _java(text: str, pattern: str) -> TimeExpression:
    formats, has_zone = _formats(pattern)
    if has_zone:
        text = f"replace({text}, 'Z', '+0000')"
    parsed = _parse(text, formats)
    letter = next((one for one in "kH" if _has_letter(pattern, one)), "")
    if letter:  # 24:00: by k the midnight that begins the day, by H the one that ends it
        midnight = f"regexp_replace({text}, {literal(_midnight(pattern, letter))}, '\\1' || '00' || '\\2')"
        after = f"CASE WHEN regexp_matches({text}, {literal(_midnight(pattern, letter))}) THEN {_parse(midnight, formats)} END"
        parsed = f"coalesce({parsed}, {after}{' + 86400000000' if letter == 'H' else ''})"
    return TimeExpression(parsed, "true" if has_zone else "false")


def _parse(text: str, formats: Sequence[str]) -> str:
    listed = literal(formats[0]) if len(formats) == 1 else f"[{', '.join(map(literal, formats))}]"
    return f"epoch_us(try_strptime({text}, {listed}))"


def _has_letter(pattern: str, letters: str) -> bool:
    return any(token[2] and token[2] in letters for token in _TOKENS.finditer(pattern))


def _formats(pattern: str) -> tuple[list[str], bool]:
    """The pattern in DuckDB's letters, once per choice of optional sections, fullest first; and whether it carries a zone."""
    formats = [""]
    opened: list[list[str]] = []
    for token in _TOKENS.finditer(pattern):
        if token[0] == "[":
            opened.append(list(formats))
        elif token[0] == "]":
            if not opened:
                raise _unknown(pattern, "a ']' without its '['")
            formats = _with_and_without(formats, opened.pop())
            if len(formats) > MOST_FORMATS:
                raise _unknown(pattern, f"so many optional sections that it stands for more than {MOST_FORMATS} formats")
        else:
            piece = _specifier(token, pattern)
            formats = [one + piece for one in formats]
    if opened:
        raise _unknown(pattern, "a '[' without its ']'")
    has_zone = _has_letter(pattern, _ZONE_LETTERS)
    _check_whole(pattern, formats, has_zone)
    return formats, has_zone


def _with_and_without(full: list[str], bare: list[str]) -> list[str]:
    """Formats with an optional section and without it; like Java, an earlier section is tried before a later one."""
    share = len(full) // len(bare)
    return [one for number, without in enumerate(bare) for one in (*full[share * number : share * (number + 1)], without)]


def _specifier(token: re.Match[str], pattern: str) -> str:
    letter = token[2]
    width = len(token[0])
    if letter is None:
        text = token[1].replace("''", "'") or "'" if token[1] is not None else token[0]
        return text.replace("%", "%%")
    if letter == "y" and width == 2:
        return "%y"
    widths = _SPECIFIERS.get(letter)
    if widths is None or width > len(widths):
        raise _unknown(pattern, f"{token[0]!r}, which is not understood")
    return widths[width - 1]


def _check_whole(pattern: str, formats: list[str], has_zone: bool) -> None:
    if not all("%Y" in one or "%y" in one for one in formats):
        raise _unknown(pattern, "no year")
    if any("%I" in one and "%p" not in one for one in formats):
        raise _unknown(pattern, "the hour 'h' of half a day without 'a'; did you mean 'H'?")
    if has_zone and not all("%z" in one or "%Z" in one for one in formats):
        raise _unknown(pattern, "an optional zone, which is not supported")


def _unknown(pattern: str, what: str) -> InvalidInput:
    return InvalidInput(Fault("timestamp format", f"{pattern!r} has {what}; Java letters, {UNIX}, {EXCEL} or {ISO} are accepted"))


def _midnight(pattern: str, letter: str) -> str:
    """A regular expression that finds hour 24 in a text written in the pattern."""
    before, _, after = pattern.partition(letter)
    return f"^({_shape(before)})24({_shape(after.lstrip(letter))})$"


def _shape(pattern: str) -> str:
    shapes = []
    for token in _TOKENS.finditer(pattern):
        if token[2]:
            shapes.append(
                r"[^\d]+" if token[2] in "aE" or (token[2] in "ML" and len(token[0]) > 2) else rf"\d{{1,{max(len(token[0]), 2)}}}"
            )
        elif token[0] in "[]":
            shapes.append("(?:" if token[0] == "[" else ")?")
        else:
            shapes.append(re.escape((token[1] or "'") if token[1] is not None else token[0]))
    return "".join(shapes)
