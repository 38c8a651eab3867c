"""How fast the memory forgets, in points, for one interval length."""

from __future__ import annotations

from dataclasses import dataclass

from l4m.engine.seasons import Seasons


@dataclass(frozen=True)
class Rates:
    """Gains per point and lengths in points.

    Attributes
    ----------
    per_day, per_hour, per_week_row : points of a day; of a day in one row by hour; of a week in one row of its profile
    slow, scale, recent : gains of the slow level, of error scales, and of the latest deviations
    phase_visits : longest memory of a phase of the daily profile, in visits
    cold_start : points before the first score
    day : points after which a change is old: a day, or a week of days
    """

    per_day: int
    per_hour: float
    per_week_row: float
    slow: float
    scale: float
    recent: float
    phase_visits: float
    cold_start: int
    day: int

    @classmethod
    def of(cls, seasons: Seasons) -> Rates:
        """Return the rates that suit an interval length."""
        day = 7 if seasons.is_daily else seasons.per_day
        span = 28 if seasons.is_daily else 6 * seasons.per_day
        return cls(
            per_day=seasons.per_day,
            per_hour=seasons.per_hour,
            per_week_row=max(1.0, seasons.per_hour * seasons.week_bin),
            slow=1 - 0.5 ** (1 / day),
            scale=1 / span,
            recent=1 - 0.5 ** (1 / day),
            phase_visits=5.0 if seasons.is_daily else 10.0,
            cold_start=14 if seasons.is_daily else min(300, 3 * seasons.per_day),
            day=day,
        )
