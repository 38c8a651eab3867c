"""How fast the memory forgets, in points, for one interval length."""

from __future__ import annotations

from dataclasses import dataclass

from l4m.engine.seasons import Seasons


@dataclass(frozen=True)
class Rates:
    """Gains per point and lengths in points.

    Attributes
    ----------
    per_day, per_hour : points of a day, and of a day that share one row of the arrays by hour
    slow, scale, recent : gains of the slow level, of error scales, and of the latest deviations
    cold_start : points before the first score
    day : points after which a change is old: a day, or a week of days
    """

    per_day: int
    per_hour: float
    slow: float
    scale: float
    recent: float
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
            slow=1 - 0.5 ** (1 / day),
            scale=1 / span,
            recent=1 - 0.5 ** (1 / day),
            cold_start=14 if seasons.is_daily else min(300, 2 * seasons.per_day),
            day=day,
        )
