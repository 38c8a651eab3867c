"""Where an interval stands in the day, the week and the year, in the time zone of the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from l4m.engine.calendar import Calendar
from l4m.engine.settings import Settings

DAY = 86_400


@dataclass(frozen=True)
class Moment:
    """Rows that one interval reads in the seasonal arrays.

    Attributes
    ----------
    phase, hour, week : int
        Row of the daily profile, of arrays by hour, and of the weekly profile.
    holiday : float
        1 on a holiday, less beside one, 0 elsewhere.
    """

    phase: int
    hour: int
    week: int
    holiday: float


class Seasons:
    """Seasons of one interval length; a week of days where the interval is a day.

    Examples
    --------
    >>> seasons = Seasons(Settings(interval_seconds=3600, measures=()))
    >>> seasons.moment(1_699_920_000 + 5 * 3600)  # a Tuesday
    Moment(phase=5, hour=5, week=29, holiday=0.0)
    """

    def __init__(self, settings: Settings) -> None:
        self.interval = settings.interval_seconds
        self.is_daily = self.interval >= DAY
        self.per_day = max(1, DAY // self.interval)
        self.week_bin = 2 if self.per_day > 144 else 1  # hours of one row of the weekly profile; keeps a series under 2 kB
        self._zone = ZoneInfo(settings.timezone)
        self._calendar = Calendar(settings.country, settings.special_days)
        self._days: dict[date, float] = {}

    @property
    def rows(self) -> dict[str, int]:
        """Number of rows of each kind of seasonal array."""
        if self.is_daily:
            return {"phases": 7, "hours": 7, "weeks": 1}
        return {"phases": self.per_day, "hours": min(24, self.per_day), "weeks": 168 // self.week_bin}

    @property
    def per_hour(self) -> float:
        """Points of a day that share one row of the arrays by hour."""
        return 1.0 if self.is_daily else self.per_day / self.rows["hours"]

    def moment(self, start: int) -> Moment:
        """Return the place of the interval that begins at epoch second ``start``."""
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)).astimezone(self._zone)
        holiday = self._holiday(local.date())
        weekday = local.weekday()
        if self.is_daily:
            return Moment(weekday, weekday, 0, holiday)
        second = local.hour * 3600 + local.minute * 60
        hour = second * self.rows["hours"] // DAY
        return Moment(second * self.per_day // DAY, hour, (weekday * 24 + local.hour) // self.week_bin, holiday)

    def _holiday(self, day: date) -> float:
        if day not in self._days:
            self._days = {day: self._calendar.holiday(day)}
        return self._days[day]
