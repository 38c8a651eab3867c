"""A client of DynamoDB that lets somebody else in between two calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass
class Interrupted:
    """A DynamoDB client before whose n-th call somebody else comes in; its calls happen one at a time, as DynamoDB's do."""

    client: Any
    at: int = -1
    other: Callable[[], None] = field(default=lambda: None)
    calls: int = 0
    lock: Any = field(default_factory=Lock)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        if not callable(found):
            return found

        def call(**arguments: Any) -> Any:
            self.calls += 1
            if self.calls - 1 == self.at:
                self.other()
            with self.lock:
                return found(**arguments)

        return call
