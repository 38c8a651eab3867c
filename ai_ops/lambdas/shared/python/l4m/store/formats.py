"""Formats of what is stored: each kind has a number, readers take those up to their own, and refuse later ones by name.

A field with a default needs no new number: readers fill in what is missing, leave out what they do not know, and whoever changes a document
keeps it. Anything else takes a new number here, a step from the one before in ``UPGRADES``, and a golden file beside those in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from l4m.errors import Unreadable

T = TypeVar("T")
Document = dict[str, Any]
FIRST = 1  # of every kind, and of what does not say
FORMATS: Mapping[str, int] = {
    # rows of the table, by the last part of their partition
    "detector": 1,
    "metric-set": 1,
    "alert": 1,
    "feedback": 1,
    "run": 1,
    "execution": 1,
    "learning": 1,
    "group": 1,  # a page of the index
    "tally": 1,
    "message": 1,
    "waiting": 1,
    "setting": 1,
    # objects of the bucket
    "anomaly-group": 1,
    "incident": 1,
    "state": 1,
}
UPGRADES: Mapping[tuple[str, int], Callable[[Document], Document]] = {}  # kind and earlier number -> the document as the next number has it


def format_of(kind: str) -> int:
    """The number that a kind is written with."""
    return FORMATS.get(kind, FIRST)


def kind_of(partition: str) -> str:
    """What a partition of the table holds.

    >>> kind_of("sales#execution"), kind_of("detector")
    ('execution', 'detector')
    """
    return partition.rpartition("#")[2]


def upgrade(kind: str, number: int, document: Document, place: str) -> Document:
    """A document that was written with a number, as the current one has it; Unreadable when that is a later one."""
    newest = format_of(kind)
    if number > newest:
        raise Unreadable(place, f"is of format {number}, written by a later version; this one reads up to {newest}", is_newer=True)
    for earlier in range(number, newest):
        document = UPGRADES[kind, earlier](document)
    return document


def read_fields(made: type[T], document: Mapping[str, Any], **readers: Callable[[Any], Any]) -> T:
    """An instance of a dataclass from what a document says of its fields, each value through the reader of its name.

    Fields that the document lacks have their defaults, None stays None, and what the class does not know is left out.

    >>> from l4m.model import Measure
    >>> read_fields(Measure, {"name": "views", "color": "blue"}).name
    'views'
    """
    given = {}
    for field in fields(made):  # type: ignore[arg-type]
        if field.name in document:
            value = document[field.name]
            try:
                given[field.name] = readers[field.name](value) if field.name in readers and value is not None else value
            except (ValueError, TypeError, KeyError) as error:
                raise Unreadable(made.__name__, f"has a field {field.name!r} that says {value!r}: {error}") from error
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Unreadable(made.__name__, f"has no field {field.name!r}")
    return made(**given)


def unknown_fields(made: type, document: Mapping[str, Any]) -> Document:
    """What a document holds beside the fields of a dataclass."""
    known = {field.name for field in fields(made)}
    return {name: value for name, value in document.items() if name not in known}
