"""Intervals longer than a day: weeks that begin on the weekday that the data have, months and quarters of the calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.sources.tables.intervals import DAY, Clock

EVEN_MONTH = (
    28 * DAY
)  # that counts for a calendar month where all steps have to be alike: whole weeks, so that each begins on the same weekday
_MONDAY = 4  # of 1970: days from the first of January
_OWN_DAY = 0.8  # share of the days with rows that makes one of them the day of the week that data come on

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class LongClock(Clock):
    """Numbers intervals of several days or calendar months; their ends are midnights of the zone.

    Who counts in even steps gets them by ``even_start``: of several days as they are, of months one such step each.
    """

    days: int = 0
    months: int = 0
    phase: int = 0  # days from the first of January 1970 until an interval begins

    def start(self, number: int) -> int:
        """Epoch second at which an interval begins."""
        return self._daily.start(self.first_day(number))

    def number(self, moment: int) -> int:
        """The interval that holds an epoch second."""
        return int(self.of_days(np.array([self._daily.number(moment)]))[0])

    def even_start(self, number: int) -> int:
        """Epoch second of an interval's begin for who counts in steps of ``interval_seconds``."""
        return number * self.interval_seconds + self.phase * DAY

    def from_even(self, moment: int) -> int:
        """The interval that is meant by a begin that was counted so."""
        return round((moment - self.phase * DAY) / self.interval_seconds)

    def of_days(self, days: Integers) -> Integers:
        """The interval of each of some days, counted from 1970 on the zone's clock."""
        if self.months:
            return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // self.months
        return (days - self.phase) // self.days

    def first_day(self, number: int) -> int:
        """The day, counted from 1970, on which an interval begins."""
        if self.months:
            return int(np.datetime64(number * self.months, "M").astype("datetime64[D]").astype(np.int64))
        return number * self.days + self.phase

    @property
    def _daily(self) -> Clock:
        return Clock(DAY, self.timezone)


def clock_of(interval_seconds: int, months: int, timezone: str, present: Integers) -> LongClock:
    """The clock of long intervals for data that have rows on some days, counted from 1970.

    >>> clock_of(7 * DAY, 0, "UTC", np.array([3, 10, 17])).phase
    3
    """
    if months:
        return LongClock(interval_seconds, timezone, months=months)
    days = interval_seconds // DAY
    counts = np.bincount(present % days, minlength=days)
    is_own = counts.max() >= _OWN_DAY * len(present)
    return LongClock(interval_seconds, timezone, days=days, phase=int(np.argmax(counts)) if is_own else _MONDAY % days)
