"""What every source of a metric set can do: it delivers files, whatever it is itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from l4m.answers import Sample
from l4m.databases.statements import Phase
from l4m.errors import Fault
from l4m.model import MetricSet, OtherSource, S3Source
from l4m.sources.s3_files import S3File
from l4m.sources.tables.table_spec import TableSpec

Settings = S3Source | OtherSource  # a source as users describe it


@dataclass(frozen=True)
class Access:
    """What a source is reached with: AWS clients by the name of their service, under the role that its settings name."""

    client: Callable[[str], Any]


@dataclass(frozen=True)
class Span:
    """A stretch of time, epoch seconds, half-open; without an end, all there is.

    ``starts`` are the intervals in it and the local time of each, where new data is meant; empty where history is.
    """

    first: int | None = None
    end: int | None = None
    starts: Mapping[int, datetime] = field(default_factory=dict)


HISTORY = -1  # stands where an interval's begin would, for files of history


@dataclass(frozen=True)
class Ticket:
    """What was asked for: the files of each interval, by its begin, or those of history."""

    files: Mapping[int, tuple[S3File, ...]]
    statement: str = ""  # that is still at work on them

    def has(self, start: int) -> bool:
        """Whether anything has come for an interval."""
        return bool(self.files[start])

    def only(self, starts: Iterable[int]) -> Ticket:
        """Some of the intervals."""
        return replace(self, files={start: self.files[start] for start in starts})

    def over(self, other: Ticket) -> Ticket:
        """Both; where both know an interval, this one counts."""
        return replace(self, files={**other.files, **self.files})

    @property
    def listed(self) -> tuple[S3File, ...]:
        """Every file, once."""
        return tuple(dict.fromkeys(file for files in self.files.values() for file in files))


@dataclass(frozen=True)
class Delivered:
    """A file that has come to this machine, and what messages call it."""

    path: Path
    name: str


class Source(Protocol):
    """One kind of source of the API; whatever reads it asks for a span, waits until that is ready, and takes delivery.

    ``request`` with the same token does the same work once. A ticket's files do not change under whoever holds it: what
    is delivered is what ``marks`` were taken of, or delivery fails with SourceUnavailable.
    """

    kind: ClassVar[str]  # its name on the wire
    needs_format: ClassVar[bool]  # whether the timestamp column needs a format, as texts do

    @classmethod
    def faults(cls, metric_set: MetricSet, account: str) -> Iterator[Fault]:
        """Everything that is wrong with a metric set's source and can be said without a connection."""

    @classmethod
    def start_faults(cls, settings: Any, task: str) -> Iterator[Fault]:
        """What keeps a detector from the task: ``learn`` needs something to watch, ``backtest`` something to test on."""

    @classmethod
    def open(cls, settings: Any, access: Access) -> Self:
        """The source that settings describe; nothing is read yet."""

    def spec(self, spec: TableSpec) -> TableSpec:
        """How the delivered files are read."""

    def check(self) -> Iterator[Fault]:
        """Everything that is wrong with it once it is reached: columns, types, rights, what would make it slow."""

    def sample(self, rows: int) -> Sample:
        """The names of its columns and its first rows."""

    def extent(self) -> Span | None:
        """The history there is; None where a source has none."""

    def has_news(self) -> bool:
        """Whether anything new has ever come, history aside."""

    def request(self, span: Span, spec: TableSpec, token: str) -> Ticket:
        """Ask for the files of a span."""

    def look(self, ticket: Ticket) -> Phase:
        """Whether they can be delivered yet."""

    def deliver(self, ticket: Ticket, folder: Path) -> list[Delivered]:
        """Bring them into a folder."""

    def cancel(self, ticket: Ticket) -> None:
        """Give up what is still at work."""

    def marks(self, ticket: Ticket) -> Mapping[int, str]:
        """A text for each interval that changes with its data, empty where there is none: a changed one is late data."""
