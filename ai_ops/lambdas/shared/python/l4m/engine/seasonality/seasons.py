"""Where an interval stands in the day, the week and the year, in the time zone of the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from l4m.engine.seasonality.holidays import DATES, Calendar, special_dates
from l4m.engine.settings import Settings

DAY = 86_400
MOST_MOMENTS = 10_000  # that are kept: those of a month of five minutes
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """Rows that one interval reads in the seasonal arrays.

    Attributes
    ----------
    phase, hour, week : int
        Row of the daily profile, of arrays by hour, and of the weekly profile.
    holiday : float
        1 on a holiday, less beside one, 0 elsewhere.
    dates : tuple of int
        Rows of arrays by date, the most special date first; none on most days, and none on a holiday.
    begins_day, ends_day : bool
        Whether it is the first, the last interval of a local day.
    weekday, hour_of_week : int
        Local, 0 on a Monday and its first hour.
    """

    phase: int
    hour: int
    week: int
    holiday: float
    dates: tuple[int, ...]
    begins_day: bool
    ends_day: bool
    weekday: int = 0
    hour_of_week: int = 0


class Seasons:
    """Seasons of one interval length; a week of days where the interval is a day.

    Examples
    --------
    >>> seasons = Seasons(Settings(interval_seconds=3600, measures=()))
    >>> moment = seasons.moment(1_699_920_000 + 5 * 3600)  # a Tuesday
    >>> moment.phase, moment.hour, moment.weekday, moment.hour_of_week, moment.ends_day
    (5, 5, 1, 29, False)
    """

    def __init__(self, settings: Settings) -> None:
        self.interval = settings.interval_seconds
        self.is_daily = self.interval >= DAY
        self.per_day = max(1, DAY // self.interval)
        self.week_bin = 2 if self.per_day > 144 else 1  # hours of one row of the weekly profile; keeps a series under 2 kB
        self._zone = ZoneInfo(settings.timezone)
        self._calendar = Calendar(settings.country, settings.special_days)
        self._days: dict[date, float] = {}
        self._moments: dict[int, Moment] = {}  # the latest that were asked for

    @staticmethod
    @lru_cache(maxsize=16)
    def of(settings: Settings) -> Seasons:
        """Return the seasons of settings; all who ask for the same ones share them, as they ask for the same moments."""
        return Seasons(settings)

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows of each kind of seasonal array."""
        if self.is_daily:
            return {"phases": 7, "hours": 7, "weeks": 1, "dates": DATES}
        return {"phases": self.per_day, "hours": min(24, self.per_day), "weeks": 168 // self.week_bin, "dates": DATES}

    @property
    def per_hour(self) -> float:
        """Points of a day that share one row of the arrays by hour."""
        return 1.0 if self.is_daily else self.per_day / self.rows["hours"]

    def moment(self, start: int) -> Moment:
        """Return the place of the interval that begins at epoch second ``start``."""
        found = self._moments.get(start)
        if found is None:
            if len(self._moments) >= MOST_MOMENTS:
                self._moments = {}
            found = self._moments[start] = self._find_moment(start)
        return found

    def _find_moment(self, start: int) -> Moment:
        local = self._local(start)
        today, weekday, holiday = local.date(), local.weekday(), self._holiday(local.date())
        dates = special_dates(today) if holiday < 1 else ()
        if self.is_daily:
            return Moment(weekday, weekday, 0, holiday, dates, True, True, weekday, weekday * 24)
        begins, ends = (self._local(start + step).date() != today for step in (-self.interval, self.interval))
        second = local.hour * 3600 + local.minute * 60
        phase, hour = (second * count // DAY for count in (self.per_day, self.rows["hours"]))
        hour_of_week = weekday * 24 + local.hour
        return Moment(phase, hour, hour_of_week // self.week_bin, holiday, dates, begins, ends, weekday, hour_of_week)

    def _local(self, start: int) -> datetime:
        return (EPOCH + timedelta(seconds=start)).astimezone(self._zone)

    def _holiday(self, day: date) -> float:
        if day not in self._days:
            self._days = {day: self._calendar.holiday(day)}
        return self._days[day]
