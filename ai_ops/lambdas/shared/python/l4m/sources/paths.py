"""Templated S3 paths: ``{{yyyyMMdd}}/{{HHmm}}`` becomes the folder of one interval."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from l4m.errors import Fault, InvalidInput

_BRACES = re.compile(r"\{\{(.*?)\}\}")
_RUNS = re.compile(r"([A-Za-z])\1*|[^A-Za-z]+")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LETTERS: dict[str, Callable[[datetime], int]] = {
    "d": lambda time: time.day,
    "D": lambda time: time.day,
    "H": lambda time: time.hour,
    "k": lambda time: time.hour or 24,
    "h": lambda time: time.hour % 12 or 12,
    "K": lambda time: time.hour % 12,
    "m": lambda time: time.minute,
    "s": lambda time: time.second,
}


def render_path(template: str, start: datetime) -> str:
    """The path of the interval that begins at ``start``, a local time in the metric set's timezone."""
    return _BRACES.sub(lambda match: _render_pattern(match[1], start), template)


def fixed_part(template: str) -> str:
    """What all rendered paths have in common: the text before the first pattern."""
    return template.split("{{", 1)[0]


def check_template(template: str) -> None:
    """Refuse a template that has a letter no interval can fill in."""
    for pattern in _BRACES.findall(template):
        _render_pattern(pattern, datetime(2000, 1, 1))


def _render_pattern(pattern: str, start: datetime) -> str:
    return "".join(_render_token(token[0], pattern, start) for token in _RUNS.finditer(pattern))


def _render_token(token: str, pattern: str, start: datetime) -> str:
    letter = token[0]
    width = len(token)
    if not letter.isalpha():
        return token
    if letter == "y":
        return f"{start.year % 100:02d}" if width == 2 else f"{start.year:0{width}d}"
    if letter == "M":
        return _MONTHS[start.month - 1] if width == 3 else f"{start.month:0{width}d}"
    if letter == "a":
        return "AM" if start.hour < 12 else "PM"
    if letter not in _LETTERS:
        raise InvalidInput(Fault("TemplatedPathList", f"{{{{{pattern}}}}} has the unknown letter {letter!r}"))
    return f"{_LETTERS[letter](start):0{width}d}"
