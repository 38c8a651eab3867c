"""Input against its shape: types, required members, lengths, patterns, enums, bounds; every fault at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from l4m.api.patterns import compile_pattern, describe_mismatch
from l4m.api.service_model import Shape
from l4m.errors import Fault, InvalidInput

_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
SHOWN = 60  # characters of a refused value that are repeated


def validate(shapes: Mapping[str, Shape], name: str, value: Any) -> dict[str, Any]:
    """The members of a structure that the model knows, checked; unknown ones and nulls are left out, as AWS does."""
    checker = _Checker(shapes)
    checked = checker.check(name, value, "")
    if checker.faults:
        raise InvalidInput(*checker.faults)
    return checked  # type: ignore[no-any-return]


class _Checker:
    """Walks a value along its shape and collects what is wrong with it."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.shapes = shapes
        self.faults: list[Fault] = []
        self._checks: dict[str, Callable[[Shape, Any, str], Any]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
            "string": self._string,
            "boolean": self._boolean,
            "integer": self._integer,
            "double": self._double,
        }

    def check(self, name: str, value: Any, where: str) -> Any:
        shape = self.shapes[name]
        return self._checks[shape["type"]](shape, value, where)

    def _fault(self, where: str, message: str) -> None:
        self.faults.append(Fault(where or "body", message))

    def _structure(self, shape: Shape, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(where, f"has to be an object, not {_kind(value)}")
        prefix = f"{where}." if where else ""
        for name in shape.get("required", ()):
            if value.get(name) is None:
                self._fault(f"{prefix}{name}", "is required")
        members = shape["members"]
        given = {name: inner for name, inner in value.items() if name in members and inner is not None}
        return {name: self.check(members[name]["shape"], inner, f"{prefix}{name}") for name, inner in given.items()}

    def _list(self, shape: Shape, value: Any, where: str) -> Any:
        if not isinstance(value, list):
            return self._fault(where, f"has to be a list, not {_kind(value)}")
        self._bounds(shape, len(value), where, "entries")
        return [self.check(shape["member"]["shape"], inner, f"{where}[{index}]") for index, inner in enumerate(value)]

    def _map(self, shape: Shape, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(where, f"has to be an object, not {_kind(value)}")
        self._bounds(shape, len(value), where, "entries")
        for name in value:
            self.check(shape["key"]["shape"], name, f"{where} (name)")
        return {name: self.check(shape["value"]["shape"], inner, f"{where}[{_shown(name)}]") for name, inner in value.items()}

    def _string(self, shape: Shape, value: Any, where: str) -> Any:
        if not isinstance(value, str):
            return self._fault(where, f"has to be a text, not {_kind(value)}")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            return self._fault(where, "has half of a surrogate pair")
        enum = shape.get("enum")
        pattern = shape.get("pattern")
        if enum and value not in enum:
            self._fault(where, f"{_shown(value)} is none of {', '.join(enum)}")
        elif self._bounds(shape, len(value), where, "characters") and pattern and not compile_pattern(pattern).fullmatch(value):
            self._fault(where, f"{_shown(value)} {describe_mismatch(pattern)}")
        return value

    def _boolean(self, _: Shape, value: Any, where: str) -> Any:
        return value if isinstance(value, bool) else self._fault(where, f"has to be true or false, not {_kind(value)}")

    def _integer(self, shape: Shape, value: Any, where: str) -> Any:
        if not _is_number(value) or value != int(value):
            return self._fault(where, f"has to be a whole number, not {value if isinstance(value, float) else _kind(value)}")
        self._bounds(shape, value, where, "")
        return int(value)

    def _double(self, shape: Shape, value: Any, where: str) -> Any:
        if not _is_number(value):
            return self._fault(where, f"has to be a number, not {_kind(value)}")
        return float(value) if self._bounds(shape, value, where, "") else None

    def _bounds(self, shape: Shape, size: float, where: str, unit: str) -> bool:
        least, most = shape.get("min"), shape.get("max")
        what = f"has {size} {unit}" if unit else f"is {str(size)[:SHOWN]}"
        if least is not None and size < least:
            self._fault(where, f"{what}, at least {least} needed")
        elif most is not None and size > most:
            self._fault(where, f"{what}, at most {most} allowed")
        else:
            return True
        return False


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")


def _is_number(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and math.isfinite(value))


def _kind(value: Any) -> str:
    return "a number" if isinstance(value, (int, float)) and not isinstance(value, bool) else _KINDS[type(value)]
