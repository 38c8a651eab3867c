"""Stage: four simple predictors of the value, each the best of them on some series."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Step

LAST, FAST, DAILY, WEEKLY = range(4)  # rows of the running errors
DAYS, WEEKS = 2, 15  # visits of a phase before the daily, and the weekly season compete


def forecast(step: Step, state: DetectorState) -> None:
    """Fill ``usual`` and ``errors``.

    The errors are those of the better season, the last value, that season with a fast remainder, the daily and the weekly season.
    """
    season, last, fast, daily, weekly = step.workspace.errors
    weekly_profile = state.weekly[step.moment.week]
    np.subtract(step.value, state.last[0], out=last)
    np.subtract(step.value, state.slow[0], out=daily)
    daily -= state.daily[step.moment.phase]
    np.subtract(daily, weekly_profile, out=weekly)
    if len(state.weekly) > 1 and _has_weeks(step):
        np.multiply(weekly_profile, _prefers_week(step, state, out=season), out=season)
        np.subtract(daily, season, out=season)
    else:
        season[:] = daily
    np.subtract(season, state.drift[0], out=fast)
    if step.youngest == 0:
        step.workspace.errors[:, step.seen == 0] = 0
    np.subtract(step.value, season, out=step.scores.usual)


def _has_weeks(step: Step) -> bool:
    """Whether any series was seen often enough for a weekly season."""
    needed = WEEKS * step.rates.per_hour
    return step.fewest >= needed or bool((step.visits >= needed).any())


def _prefers_week(step: Step, state: DetectorState, out: Array) -> Array:
    """Return 1 where the weekly season errs less than the daily one, else 0."""
    prefers = np.less(state.error[WEEKLY], state.error[DAILY], out=out)
    if step.fewest < WEEKS * step.rates.per_hour:
        prefers *= step.visits >= WEEKS * step.rates.per_hour
    return np.asarray(prefers)
