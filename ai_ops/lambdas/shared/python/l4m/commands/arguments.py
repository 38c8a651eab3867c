"""What users type on the command line, turned into the nouns of the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from glob import glob
from pathlib import Path

from l4m.errors import Fault, InvalidInput
from l4m.model import Aggregation, Frequency, Measure

_INTERVAL = re.compile(r"P(?:(\d+)D|T(\d+)([HMS]))")
_UNITS = {"S": 1, "M": 60, "H": 3600, "D": 86_400}


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


def parse_interval(text: str) -> int:
    """Seconds of an interval such as PT5M, PT10M, PT1H or P1D."""
    shape = _INTERVAL.fullmatch(text.strip().upper())
    seconds = int(shape[1] or shape[2]) * _UNITS[shape[3] or "D"] if shape else 0
    if not seconds or 86_400 % seconds:
        raise InvalidInput(Fault("--interval", f"{text!r} is none of {', '.join(Frequency)}, nor another even part of a day such as PT15M"))
    return seconds


def parse_days(text: str) -> tuple[date, ...]:
    """Days such as ``2024-11-29,2024-12-02``."""
    try:
        return tuple(date.fromisoformat(day) for day in split_names(text))
    except ValueError as error:
        raise InvalidInput(Fault("--special-days", f"{text!r}: {error}")) from error
