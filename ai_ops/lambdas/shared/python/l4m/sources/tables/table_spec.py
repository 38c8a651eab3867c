"""What to read from a table, and how its rows become values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from l4m.model import Measure, TimestampColumn
from l4m.sources.tables.formats import Format, TextOptions

SERVICE_NAMES = {
    "charset": "Charset",
    "delimiter": "Delimiter",
    "interval": "AnomalyDetectorFrequency",
    "timestamp-format": "ColumnFormat",
    "timezone": "Timezone",
}  # setting -> how the API calls it; what it does not have is not advised


@dataclass(frozen=True)
class TableSpec:
    """Columns, interval and zone of a table; the same for files on a laptop and files fetched from a bucket."""

    timestamp: TimestampColumn  # format: a Java pattern, UNIX, EXCEL or ISO; columns that hold times already need none of them
    measures: tuple[Measure, ...]
    interval_seconds: int  # of months: as many as the engine counts for one
    dimensions: tuple[str, ...] = ()
    timezone: str = "UTC"  # of times that carry no zone of their own
    format: Format | None = None  # None: as each file's content suggests
    text: TextOptions = field(default_factory=TextOptions)  # where no format is given
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # column -> allowed values
    shard: tuple[int, int] | None = None  # only leaves whose hash leaves this remainder when divided by the second number
    interval_months: int = 0  # calendar months of an interval, if it is measured in them
    decimal: str = "."  # the sign before the fraction of a number that is written as text
    thousands: str = ""  # the sign between its groups of three digits
    fields: Mapping[str, str] = field(default_factory=dict)  # column -> where JSON keeps it, such as order.total
    setting_names: Mapping[str, str] = field(default_factory=lambda: SERVICE_NAMES)  # what messages call settings

    @property
    def columns(self) -> list[str]:
        """Every column that is needed, each once."""
        named = [self.timestamp.name, *(measure.name for measure in self.measures), *self.dimensions, *self.filters]
        return list(dict.fromkeys(named))
