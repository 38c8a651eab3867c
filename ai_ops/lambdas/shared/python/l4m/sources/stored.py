"""Kinds of the API that are kept as they were given and cannot be read yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn, Self

from l4m.answers import Sample
from l4m.databases.statements import Phase
from l4m.errors import Fault, InvalidInput
from l4m.model import MetricSet, OtherSource
from l4m.sources.roles import role_faults
from l4m.sources.source import Access, Delivered, Span, Ticket
from l4m.sources.tables.table_spec import TableSpec


@dataclass(frozen=True)
class Stored:
    """A source that says what to do instead wherever it is to be read."""

    settings: OtherSource

    kind: ClassVar[str] = ""
    needs_format: ClassVar[bool] = False

    @classmethod
    def faults(cls, metric_set: MetricSet, account: str) -> Iterator[Fault]:
        """Whatever it is, it names a role; one without a kind could not even be read, which was said by whoever tried."""
        source = metric_set.source
        if source.kind and not source.role_arn:
            yield Fault(f"source.{source.kind}.RoleArn", "is required")
        elif source.kind:
            yield from role_faults(f"source.{source.kind}.RoleArn", source.role_arn, account)

    @classmethod
    def start_faults(cls, settings: OtherSource, task: str) -> Iterator[Fault]:
        """None: the run says what to do instead."""
        yield from ()

    @classmethod
    def open(cls, settings: OtherSource, access: Access) -> Self:
        """The source as it was given."""
        return cls(settings)

    def spec(self, spec: TableSpec) -> TableSpec:
        """No file to read."""
        return spec

    def check(self) -> Iterator[Fault]:
        """Nothing is reached."""
        yield from ()

    def sample(self, rows: int) -> Sample:
        """Raise InvalidInput."""
        self._refuse()

    def extent(self) -> Span | None:
        """Raise InvalidInput."""
        self._refuse()

    def has_news(self) -> bool:
        """Raise InvalidInput."""
        self._refuse()

    def request(self, span: Span, spec: TableSpec, token: str) -> Ticket:
        """Raise InvalidInput."""
        self._refuse()

    def look(self, ticket: Ticket) -> Phase:
        """Raise InvalidInput."""
        self._refuse()

    def deliver(self, ticket: Ticket, folder: Path) -> list[Delivered]:
        """Raise InvalidInput."""
        self._refuse()

    def cancel(self, ticket: Ticket) -> None:
        """Nothing is at work."""

    def marks(self, ticket: Ticket) -> Mapping[int, str]:
        """Raise InvalidInput."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        message = f"{self.settings.kind} cannot be read yet; deliver the data to S3 and use S3SourceConfig"
        raise InvalidInput(Fault("MetricSource", message))


class CloudWatch(Stored):
    """Metrics of CloudWatch."""

    kind: ClassVar[str] = "CloudWatchConfig"

    @classmethod
    def faults(cls, metric_set: MetricSet, account: str) -> Iterator[Fault]:
        """A measure is found by its namespace."""
        for index, measure in enumerate(metric_set.measures):
            if measure.namespace is None:
                yield Fault(f"measures[{index}].namespace", "is required for CloudWatch")
        yield from super().faults(metric_set, account)
