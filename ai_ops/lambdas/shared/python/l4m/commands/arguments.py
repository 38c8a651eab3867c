"""What users type on the command line, turned into the nouns of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from glob import glob
from pathlib import Path

from l4m.errors import Fault, InvalidInput
from l4m.model import Aggregation, Frequency, Measure
from l4m.sources.tables.intervals import DAY
from l4m.sources.tables.long_intervals import EVEN_MONTH

_INTERVAL = re.compile(r"P(?:T(\d+)([HMS])|(\d+)([DWMY]))")
_SECONDS = {"TS": 1, "TM": 60, "TH": 3600, "D": DAY, "W": 7 * DAY}
_MONTHS = {"M": 1, "Y": 12}
_MOST_DAYS = 92
_MOST_MONTHS = 12


def split_names(text: str) -> tuple[str, ...]:
    """The names in a list separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def find_files(patterns: Sequence[str]) -> list[Path]:
    """The files that paths and wildcards stand for, in the order given, each once."""
    found: dict[Path, None] = {}
    faults = []
    for pattern in patterns:
        matches = [pattern] if Path(pattern).exists() else sorted(glob(pattern, recursive=True))  # noqa: PTH207 - absolute patterns too
        files = [Path(match) for match in matches if Path(match).is_file()]
        if not files:
            faults.append(Fault(pattern, "is a folder; name its files" if Path(pattern).is_dir() else "does not exist"))
        found.update(dict.fromkeys(files))
    if faults:
        raise InvalidInput(*faults)
    return list(found)


def parse_measures(text: str) -> tuple[Measure, ...]:
    """Measures such as ``views,revenue:avg,revenue/views``; a sum where nothing is said, and a ratio is averaged."""
    measures = tuple(_parse_measure(name) for name in split_names(text))
    names = [measure.name for measure in measures]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not measures or repeated:
        raise InvalidInput(Fault("--measures", f"{', '.join(repeated)} stands there twice" if repeated else "names no column"))
    return measures


def _parse_measure(text: str) -> Measure:
    name, colon, aggregation = text.rpartition(":")
    if not colon:
        return Measure(text, Aggregation.AVG if text.count("/") == 1 else Aggregation.SUM)
    try:
        return Measure(name, Aggregation(aggregation.upper()))
    except ValueError as error:
        raise InvalidInput(Fault("--measures", f"{text!r} asks for {aggregation!r}; SUM and AVG are known")) from error


@dataclass(frozen=True)
class Interval:
    """The interval of the data: so many seconds, for the engine at least, and calendar months if it is measured in those."""

    seconds: int
    months: int = 0


def parse_interval(text: str) -> Interval:
    """An interval such as PT5M, PT1H, P1D, P7D or P1M."""
    shape = _INTERVAL.fullmatch(text.strip().upper())
    if shape and shape[4] in _MONTHS:
        months = int(shape[3]) * _MONTHS[shape[4]]
        if 0 < months <= _MOST_MONTHS:
            return Interval(months * EVEN_MONTH, months)
    elif shape:
        seconds = int(shape[1]) * _SECONDS["T" + shape[2]] if shape[2] else int(shape[3]) * _SECONDS[shape[4]]
        if seconds and (DAY % seconds == 0 if seconds <= DAY else seconds % DAY == 0 and seconds <= _MOST_DAYS * DAY):
            return Interval(seconds)
    known = f"{', '.join(Frequency)}, P7D, P1M"
    raise InvalidInput(Fault("--interval", f"{text!r} is none of {known}, nor another even part of a day such as PT15M"))


def parse_fields(texts: Sequence[str]) -> dict[str, str]:
    """Where JSON keeps columns, such as ``total=order.total``; without a name the column is called as it is found."""
    parts = [text.partition("=") for text in texts]
    return {name.strip(): (path if sign else name).strip() for name, sign, path in parts}


def parse_days(text: str) -> tuple[date, ...]:
    """Days such as ``2024-11-29,2024-12-02``."""
    try:
        return tuple(date.fromisoformat(day) for day in split_names(text))
    except ValueError as error:
        raise InvalidInput(Fault("--special-days", f"{text!r}: {error}")) from error
