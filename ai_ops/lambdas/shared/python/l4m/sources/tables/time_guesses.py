"""How times are written, guessed from some of them: the Java pattern, UNIX, EXCEL or ISO that reads every one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import duckdb

from l4m.sources.tables.timestamps import EXCEL, ISO, UNIX, time_expression

_WHOLE = {
    ISO: r"(?i)\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)?)?"
    r"|\d{4}-?\d{2}-?\d{2}T\d{4}(\d{2})?(Z|[+-]\d{2}:?\d{2})?",
    UNIX: r"-?\d{9,19}(\.\d+)?",
    EXCEL: r"[2-6]\d{4}(\.\d+)?",  # days from 1954 to 2091
}
_ZONE_NAME = re.compile(r".*\d\s?(?!(AM|PM|UTC|GMT)$)[A-Za-z]{2,5}$", re.I)
_WEEKDAY = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(,?) ")
_DATES = (
    (r"\d{4}(?P<sign>[-/. ])\d{1,2}(?P=sign)\d{1,2}", "yyyy{0}MM{0}dd"),
    (r"(?P<first>\d{1,2})(?P<sign>[-/. ])(?P<second>\d{1,2})(?P=sign)(?P<year>\d{4})", "dd{0}MM{0}yyyy"),
    (r"(?P<first>\d{1,2})(?P<sign>[-/. ])(?P<second>\d{1,2})(?P=sign)(?P<year>\d{2})", "dd{0}MM{0}yy"),
    (r"\d{1,2}(?P<sign>[-/. ])[A-Za-z]{3}(?P=sign)\d{4}", "dd{0}MMM{0}yyyy"),
    (r"\d{1,2}(?P<sign>[-/. ])[A-Za-z]{3}(?P=sign)\d{2}", "dd{0}MMM{0}yy"),
    (r"\d{1,2} [A-Za-z]{4,9} \d{4}", "dd MMMM yyyy"),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", "MMM dd, yyyy"),
    (r"[A-Za-z]{4,9} \d{1,2}, \d{4}", "MMMM dd, yyyy"),
    (r"\d{8}", "yyyyMMdd"),
)
_TIMES = (
    (r"\d{1,2}:\d{2}:\d{2}\.\d{1,6}", "HH:mm:ss.SSS"),
    (r"\d{1,2}:\d{2}:\d{2}", "HH:mm:ss"),
    (r"\d{1,2}:\d{2}", "HH:mm"),
    (r"(?i:\d{1,2}:\d{2}:\d{2} [AP]M)", "hh:mm:ss a"),
    (r"(?i:\d{1,2}:\d{2} [AP]M)", "hh:mm a"),
    (r"\d{2}\.\d{2}\.\d{2}", "HH.mm.ss"),
    (r"\d{2}\.\d{2}", "HH.mm"),
    (r"\d{6}", "HHmmss"),
    (r"\d{4}", "HHmm"),
)
_GAP = r"(?P<gap> |T|, |-|:|)"
_ZONE = r"(?P<zone>Z| ?[+-]\d{2}:?\d{2}|)"
_READ_DATES = tuple((re.compile(expression), pattern) for expression, pattern in _DATES)
_READ_TIMES = tuple((re.compile(_GAP + expression + _ZONE), pattern) for expression, pattern in _TIMES)
_PIECES = re.compile(r"'[^']*'|([A-Za-z])\1*|.")


@dataclass(frozen=True)
class _Reading:
    """One way to read a time: its pattern with the day first, and the two numbers that may be day and month."""

    pattern: str
    sign: str = ""
    numbers: tuple[int, int, int] | None = None  # first, second, year


def guess_time_format(samples: Sequence[str], tried: str = "") -> str:
    """The format that reads all of some times, other than the one that was tried; nothing where none does.

    >>> guess_time_format(["31.01.2024 23:15"])
    'dd.MM.yyyy HH:mm'
    >>> guess_time_format(["01/02/2024", "01/31/2024"])
    'MM/dd/yyyy'
    >>> guess_time_format(["45292.5"])
    'EXCEL'
    """
    texts = list(dict.fromkeys(sample.strip() for sample in samples if sample.strip()))
    if not texts:
        return ""
    for name, expression in _WHOLE.items():
        if name != tried and all(re.fullmatch(expression, text) for text in texts):
            return name
    readings = [_read(text) for text in texts]
    first = readings[0]
    if first is None or any(one is None or (one.pattern, one.sign) != (first.pattern, first.sign) for one in readings):
        return ""
    numbers = [one.numbers for one in readings if one and one.numbers]
    pattern = swap_day_and_month(first.pattern) if numbers and _begins_with_month(numbers, first.sign) else first.pattern
    return "" if pattern == tried else pattern


def reads(pattern: str, text: str) -> bool:
    """Whether a format reads a time.

    >>> reads("dd.MM.yyyy", "29.02.2024"), reads("dd.MM.yyyy", "29.02.2023")
    (True, False)
    """
    time = time_expression("t", "VARCHAR", pattern)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {time.microseconds} FROM (SELECT CAST(? AS VARCHAR) AS t)", [text]).fetchall()
    return found[0][0] is not None


def is_zone_named(text: str) -> bool:
    """Whether a time ends in letters that may name a zone, such as PST.

    >>> is_zone_named("2024-01-01 10:00:00 PST"), is_zone_named("2024-01-01 10:00 PM")
    (True, False)
    """
    return _ZONE_NAME.match(text.strip()) is not None


def swap_day_and_month(pattern: str) -> str:
    """The pattern with day and month in each other's place; nothing where it does not have both as numbers.

    >>> swap_day_and_month("MM/dd/yyyy HH:mm")
    'dd/MM/yyyy HH:mm'
    """
    pieces = [match[0] for match in _PIECES.finditer(pattern)]
    days = [piece for piece in pieces if piece in ("d", "dd")]
    months = [piece for piece in pieces if piece in ("M", "MM")]
    if len(days) != 1 or len(months) != 1:
        return ""
    other = {days[0]: months[0], months[0]: days[0]}
    return "".join(other.get(piece, piece) for piece in pieces)


def _read(text: str) -> _Reading | None:
    weekday = _WEEKDAY.match(text)
    rest = text[weekday.end() :] if weekday else text
    before = f"EEE{weekday[2]} " if weekday else ""
    for expression, pattern in _READ_DATES:
        date = expression.match(rest)
        after = _read_time(rest[date.end() :]) if date else None
        if date and after is not None:
            found = date.groupdict()
            sign = found.get("sign") or ""
            numbers = (int(found["first"]), int(found["second"]), int(found["year"])) if "first" in found else None
            return _Reading(before + pattern.format(sign) + after, sign, numbers)
    return None


def _read_time(text: str) -> str | None:
    if not text:
        return ""
    for expression, pattern in _READ_TIMES:
        if found := expression.fullmatch(text):
            return ("'T'" if found["gap"] == "T" else found["gap"]) + pattern + _zone(found["zone"])
    return None


def _zone(text: str) -> str:
    return {"": "", "Z": "X"}.get(text, " Z" if text.startswith(" ") else "Z")


def _begins_with_month(dates: Sequence[tuple[int, int, int]], sign: str) -> bool:
    """Whether numbers such as 01/02/2024 begin with the month: as all can be read, else as they go up, else as is usual."""
    if any(first > 12 for first, _, _ in dates):
        return False
    if any(second > 12 for _, second, _ in dates):
        return True
    falls = [
        sum(later < earlier for earlier, later in pairwise(order))
        for order in (
            [(year, first, second) for first, second, year in dates],
            [(year, second, first) for first, second, year in dates],
        )
    ]
    return falls[0] < falls[1] if falls[0] != falls[1] else sign == "/"
