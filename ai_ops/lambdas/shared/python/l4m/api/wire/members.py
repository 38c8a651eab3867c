"""Members of wire structures: only those that have a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from l4m.errors import Fault, InvalidInput


def present(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def epoch(moment: datetime) -> float:
    """A time as the wire has it: seconds since 1970."""
    return round(moment.timestamp(), 3)


@contextmanager
def wire_names(names: Mapping[str, str]) -> Iterator[None]:
    """Name faults raised inside as the caller knows the fields; ``a[1].b`` is looked up as ``a.b``, then as ``a``."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(*(Fault(_renamed(fault.field, names), fault.message) for fault in error.faults)) from error


def _renamed(field: str, names: Mapping[str, str]) -> str:
    head, bracket, rest = field.partition("[")
    if not bracket:
        return names.get(field, field)
    index, _, tail = rest.partition("]")
    return f"{names.get(head, head)}[{index}]" + (f".{names.get(head + tail, tail[1:])}" if tail else "")
