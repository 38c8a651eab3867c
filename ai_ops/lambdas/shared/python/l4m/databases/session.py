"""Sessions of databases: how one is opened, and what it can do; nothing here knows AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from l4m.errors import Fault

STATEMENT_SECONDS = 840  # a minute less than the longest time that Lambda gives a function


@dataclass(frozen=True)
class Login:
    """How a session is opened; ``tls`` is one of ``verify-full``, ``require`` and ``disable``."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)
    tls: str = "verify-full"
    authorities: str | None = field(default=None, repr=False)  # PEM; without, those that the system trusts
    name: str = "l4m"  # that the database shows for the session
    seconds: int = STATEMENT_SECONDS  # a statement may take

    def faults(self) -> Iterator[Fault]:
        """What is wrong with it."""
        if self.tls not in {"verify-full", "require", "disable"}:
            yield Fault("sslmode", f"{self.tls!r} is none of verify-full, require and disable")


class Kind(StrEnum):
    """What a column holds, as far as grouping by time goes."""

    INSTANT = "instant"  # a time that knows its zone
    LOCAL = "local"  # a wall clock's time, or a day
    OTHER = "other"


@dataclass(frozen=True)
class Writing:
    """How a dialect writes the parts of the aggregation; every function takes and returns SQL.

    ``bucket`` gets a column, its kind and the interval; of instants also the zone, whose midnight begins days, and the epoch
    second at which any shorter interval begins.
    """

    name: Callable[[str], str]
    text: Callable[[str], str]
    number: Callable[[str], str]  # of a column, NULL where it is no finite number
    bucket: Callable[[str, Kind, int, str, int], str]


class Session(Protocol):
    """An open session that can only read; every statement has a time limit."""

    dialect: ClassVar[str]  # of sqlglot
    default_port: ClassVar[int]
    writing: ClassVar[Writing]

    @classmethod
    def open(cls, login: Login) -> Self:
        """Open one; raises SourceUnavailable or AccessDenied with the reason."""

    def columns(self, select: str) -> Mapping[str, Kind]:
        """The columns that a SELECT delivers."""

    def copy(self, select: str, delimiter: str, write: Callable[[bytes], Any]) -> int:
        """Write the rows of a SELECT as CSV with a header, in UTF-8; returns how many there are."""

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """The few rows of a small SELECT."""

    def is_open(self, name: str) -> bool:
        """Whether there is another session of that name."""

    def end(self, name: str) -> None:
        """End other sessions of that name."""

    def close(self) -> None:
        """End this one."""
