"""Intervals on the clock of a timezone: where each begins, which comes next, when one is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from l4m.model import Frequency, MetricSet


@dataclass(frozen=True)
class Timeline:
    """The intervals of one metric set; every time is the epoch second at which an interval begins."""

    frequency: Frequency
    timezone: str = "UTC"
    offset_seconds: int = 0

    @classmethod
    def of(cls, metric_set: MetricSet) -> Timeline:
        """The timeline that a metric set's frequency, timezone and offset describe."""
        return cls(metric_set.frequency, metric_set.timezone, metric_set.offset_seconds)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The timezone whose clock the intervals follow."""
        return ZoneInfo(self.timezone)

    def local(self, start: int) -> datetime:
        """The wall clock's time at the begin of an interval."""
        return datetime.fromtimestamp(start, self.zone)

    def floor(self, moment: int) -> int:
        """The begin of the interval that holds a moment."""
        local = self.local(moment)
        if self.frequency is Frequency.P1D:
            return _midnight(local.date(), self.zone)
        shift = int((local.utcoffset() or timedelta()).total_seconds())
        return (moment + shift) // self.seconds * self.seconds - shift

    def after(self, start: int) -> int:
        """The begin of the next interval, which is this one's end; a local day may have 23 or 25 hours."""
        if self.frequency is Frequency.P1D:
            return _midnight(self.local(start).date() + timedelta(days=1), self.zone)
        return start + self.seconds

    def before(self, start: int, count: int = 1) -> int:
        """The begin of the interval ``count`` places earlier."""
        if self.frequency is Frequency.P1D:
            return _midnight(self.local(start).date() - timedelta(days=count), self.zone)
        return start - count * self.seconds

    def due_at(self, start: int) -> int:
        """When an interval's data is to be read: its end plus the offset."""
        return self.after(start) + self.offset_seconds

    def span(self, first: int, end: int) -> list[int]:
        """Every interval from ``first`` up to, not including, ``end``."""
        starts = []
        while first < end:
            starts.append(first)
            first = self.after(first)
        return starts

    def stretch(self, first: int, count: int) -> list[int]:
        """So many intervals from ``first`` on."""
        starts = [first]
        while len(starts) < count:
            starts.append(self.after(starts[-1]))
        return starts

    def due(self, first: int, moment: int, limit: int) -> list[int]:
        """The intervals from ``first`` on whose data is to be read by ``moment``, at most ``limit``."""
        starts: list[int] = []
        while len(starts) < limit and self.due_at(first) <= moment:
            starts.append(first)
            first = self.after(first)
        return starts

    @property
    def seconds(self) -> int:
        """Nominal length of an interval."""
        return self.frequency.seconds


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).astimezone(UTC).timestamp())
