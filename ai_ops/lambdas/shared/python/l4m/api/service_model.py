"""The service model: which operations there are, where they are called, and the shapes they speak in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

MODELS = Path(__file__).with_name("models")
FILE = MODELS / "lookoutmetrics" / "2017-07-25" / "service-2.json"

Shape = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One call: how it is addressed, what goes in and out, and the errors it may answer with."""

    name: str
    method: str
    uri: str
    status: int
    input: str
    output: str
    errors: frozenset[str]


@dataclass(frozen=True)
class Route:
    """The operation that a request is for, and what its path says."""

    operation: Operation
    path_members: Mapping[str, str]


class ServiceModel:
    """The model as the file has it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.shapes: Mapping[str, Shape] = document["shapes"]
        self.operations = {name: _operation(name, entry) for name, entry in document["operations"].items()}

    @cached_property
    def _routes(self) -> dict[tuple[str, str], Operation]:
        return {(one.method, one.uri.partition("{")[0]): one for one in self.operations.values()}

    def route(self, method: str, path: str) -> Route | None:
        """The operation that a request is for; None when nothing is called so."""
        fixed = self._routes.get((method, path))
        if fixed and "{" not in fixed.uri:
            return Route(fixed, {})
        prefix = path[: path.find("/", 1) + 1]
        open_ended = self._routes.get((method, prefix)) if prefix else None
        if open_ended is None or "{" not in open_ended.uri:
            return None
        member = open_ended.uri.partition("{")[2].rstrip("}")
        return Route(open_ended, {member: unquote(path.removeprefix(prefix))})

    def status_of(self, error: str) -> int:
        """HTTP status of an error shape."""
        return int(self.shapes[error]["error"]["httpStatusCode"])


def _operation(name: str, entry: Mapping[str, Any]) -> Operation:
    http = entry["http"]
    return Operation(
        name,
        http["method"],
        http["requestUri"],
        http.get("responseCode", 200),
        entry["input"]["shape"],
        entry["output"]["shape"],
        frozenset(error["shape"] for error in entry["errors"]),
    )


@cache
def load_model() -> ServiceModel:
    """The model of this package, read once."""
    return ServiceModel(json.loads(FILE.read_text(encoding="utf-8")))
