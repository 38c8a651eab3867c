"""Stage: four simple predictors of the value, each the best of them on some series."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.state import Array, Memory
from l4m.engine.detection.step import Point

LAST, FAST, DAILY, WEEKLY = range(4)  # rows of the running errors
DAYS, WEEKS = 2, 15  # visits of a phase before the daily, and the weekly season compete


def predict(point: Point, memory: Memory) -> None:
    """Fill ``usual`` and ``errors``.

    The errors are those of the better season, the last value, that season with a fast remainder, the daily and the weekly season.
    """
    season, last, fast, daily, weekly = point.room.errors
    weekly_profile = memory.weekly[point.moment.week]
    np.subtract(point.value, memory.last[0], out=last)
    np.subtract(point.value, memory.slow[0], out=daily)
    daily -= memory.daily[point.moment.phase]
    np.subtract(daily, weekly_profile, out=weekly)
    if len(memory.weekly) > 1 and _has_weeks(point):
        np.multiply(weekly_profile, _prefers_week(point, memory, out=season), out=season)
        np.subtract(daily, season, out=season)
    else:
        season[:] = daily
    np.subtract(season, memory.drift[0], out=fast)
    if point.youngest == 0:
        point.room.errors[:, point.seen == 0] = 0
    np.subtract(point.value, season, out=point.scores.usual)


def _has_weeks(point: Point) -> bool:
    """Whether any series was seen often enough for a weekly season."""
    needed = WEEKS * point.rates.per_hour
    return point.fewest >= needed or bool((point.visits >= needed).any())


def _prefers_week(point: Point, memory: Memory, out: Array) -> Array:
    """Return 1 where the weekly season errs less than the daily one, else 0."""
    prefers = np.less(memory.error[WEEKLY], memory.error[DAILY], out=out)
    if point.fewest < WEEKS * point.rates.per_hour:
        prefers *= point.visits >= WEEKS * point.rates.per_hour
    return np.asarray(prefers)
