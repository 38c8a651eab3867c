"""What users choose about detection: tags of the detector that begin with ``l4m:``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from l4m.errors import Fault, InvalidInput
from l4m.model import Direction

PREFIX = "l4m:"
NOTES = frozenset({"history", "managed-by", "upload"})  # that the connector leaves on what it makes
_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Option:
    """One choice: the engine's name for it, what a tag may say, and how that is read; ``read`` raises ValueError."""

    setting: str
    values: str
    read: Callable[[str], Any]


def read_options(tags: Mapping[str, str]) -> dict[str, Any]:
    """The engine's settings that tags choose; raises InvalidInput with every tag that cannot be used.

    >>> read_options({"l4m:sensitivity": "70", "l4m:country": "us", "team": "growth"})
    {'sensitivity': 70.0, 'country': 'US'}
    """
    if faults := option_faults(tags):
        raise InvalidInput(*faults)
    options = {OPTIONS[name.removeprefix(PREFIX)]: tags[name] for name in find_options(tags)}
    return {option.setting: option.read(value) for option, value in options.items()}


def option_faults(tags: Mapping[str, str]) -> list[Fault]:
    """Every tag that means to choose something and cannot be used."""
    faults = []
    for name in find_options(tags):
        option = OPTIONS.get(name.removeprefix(PREFIX))
        if option is None:
            faults.append(Fault("tags", f"{name!r} is not known; {', '.join(PREFIX + one for one in OPTIONS)} are"))
            continue
        try:
            option.read(tags[name])
        except ValueError:
            faults.append(Fault("tags", f"{name!r} takes {option.values}, not {tags[name]!r}"))
    return faults


def find_options(tags: Mapping[str, str]) -> list[str]:
    """The tags that choose something, or try to."""
    return [name for name in tags if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in NOTES]


def _number(most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        if not 0 <= number <= most or math.isinf(number):
            raise ValueError
        return number

    return read


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text.upper()):
        raise ValueError
    return text.upper()


def _days(text: str) -> tuple[date, ...]:
    return tuple(date.fromisoformat(day) for day in text.split())


OPTIONS = {
    "sensitivity": Option("sensitivity", "a number from 0 to 100", _number(100)),
    "direction": Option("direction", f"one of {', '.join(Direction)}", Direction),
    "minimum-absolute": Option("minimum_absolute", "a number that is not negative", _number(math.inf)),
    "minimum-relative": Option("minimum_relative", "a share of the expected value, such as 0.2", _number(math.inf)),
    "country": Option("country", "an ISO 3166 code of two letters, such as US", _country),
    "special-days": Option("special_days", "days such as 2026-11-27, with spaces between", _days),
}
