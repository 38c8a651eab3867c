"""What to read from a table, and how its rows become values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from l4m.model import Measure, TimestampColumn
from l4m.sources.tables.formats import Format


@dataclass(frozen=True)
class TableSpec:
    """Columns, interval and zone of a table; the same for files on a laptop and files fetched from a bucket."""

    timestamp: TimestampColumn  # format: a Java pattern, UNIX or ISO; columns that hold times already need none of them
    measures: tuple[Measure, ...]
    interval_seconds: int
    dimensions: tuple[str, ...] = ()
    timezone: str = "UTC"  # of times that carry no zone of their own
    format: Format | None = None  # None: as the first file's content suggests
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # column -> allowed values
    shard: tuple[int, int] | None = None  # only leaves whose hash leaves this remainder when divided by the second number

    @property
    def columns(self) -> list[str]:
        """Every column that is needed, each once."""
        named = [self.timestamp.name, *(measure.name for measure in self.measures), *self.dimensions, *self.filters]
        return list(dict.fromkeys(named))
