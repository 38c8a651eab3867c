"""How fast a detector's state forgets, in points, for one interval length."""

from __future__ import annotations

from dataclasses import dataclass

from l4m.engine.seasonality.seasons import Seasons

HOUR = 3600
FAST = 0.35  # of an hour or more; of five minutes 0.15: what an event begins with is not learned before it is seen


@dataclass(frozen=True)
class DecayRates:
    """Gains per point and lengths in points.

    Attributes
    ----------
    per_day, per_hour, per_week_row : points of a day; of a day in one row by hour; of a week in one row of its profile
    slow, fast, scale : gains of the slow level, of the fast remainder, and of error scales
    size_every : intervals between two looks at the size of values, which moves slowly
    phase_visits : longest memory of a phase of the daily profile, in visits
    cold_start : points before the first score
    settled : points before the season is known well enough to compare a date with it
    day : points after which a change is old: a day, or a week of days
    """

    per_day: int
    per_hour: float
    per_week_row: float
    slow: float
    fast: float
    scale: float
    size_every: int
    phase_visits: float
    cold_start: int
    settled: int
    day: int

    @classmethod
    def of(cls, seasons: Seasons) -> DecayRates:
        """Return the rates that suit an interval length."""
        day = 7 if seasons.is_daily else seasons.per_day
        span = 28 if seasons.is_daily else 14 * seasons.per_day
        return cls(
            per_day=seasons.per_day,
            per_hour=seasons.per_hour,
            per_week_row=max(1.0, seasons.per_hour * seasons.week_bin),
            slow=1 - 0.5 ** (1 / day),
            fast=FAST * (min(seasons.interval, HOUR) / HOUR) ** (1 / 3),
            scale=1 / span,
            size_every=2 if seasons.interval >= HOUR else 4,
            phase_visits=5.0 if seasons.is_daily else 10.0,
            settled=28 if seasons.is_daily else 56 * seasons.per_day,
            cold_start=14 if seasons.is_daily else min(300, 3 * seasons.per_day),
            day=day,
        )
