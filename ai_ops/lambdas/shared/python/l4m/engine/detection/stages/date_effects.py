"""Stage: expect what this date did in the months before: first and last days of months and quarters, middles of months."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.forecast import DAILY, WEEKLY
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Step

LEAST_EFFECT = 2.0  # mean absolute errors of the season; what is less is left to chance
MOST_EFFECT = 4.0  # times the size of the season


def apply_date_effects(step: Step, state: DetectorState) -> None:
    """Move ``usual`` and the ``errors`` of the seasons by the effect of the date, and learn what this day does.

    An effect is a share of the size that the season predicts. It counts once two visits in a row agree, as far as they
    agree: one incident on the last of a month is not expected again on the next.
    """
    dates = step.moment.dates
    if not dates:
        return
    if step.moment.begins_day:
        state.effect[0] = _effect(state, dates)
        state.today.fill(0)
    if step.moment.phase % step.rates.size_every == 0 or step.moment.ends_day:
        state.today[0] += step.workspace.errors[0] * step.present
        state.today[1] += np.abs(step.scores.usual) * step.present
    if step.moment.ends_day:
        _remember(step, state, dates[0])
    if state.effect.any():
        _apply(step, state.effect[0])


def _apply(step: Step, effect: Array) -> None:
    errors, usual = step.workspace.errors, step.scores.usual
    change = np.abs(usual)
    change *= effect
    usual += change
    errors[0] -= change
    errors[2:] -= change


def _effect(state: DetectorState, dates: tuple[int, ...]) -> Array:
    """Return the effect on which the last two visits agree, of the most special date that has one, else 0."""
    effect = np.zeros_like(state.effect[0])
    usual = np.minimum(state.error[DAILY], state.error[WEEKLY])
    for date in reversed(dates):
        earlier, later = state.earlier[date], state.later[date]
        size = np.minimum(np.abs(earlier), np.abs(later))
        agrees = ((earlier * later > 0) & (size * state.size[0] > LEAST_EFFECT * usual)).nonzero()[0]
        effect[agrees] = np.sign(later[agrees]) * size[agrees]
    return np.asarray(effect)


def _remember(step: Step, state: DetectorState, date: int) -> None:
    """Make this day the latest visit of the date, in series that reported and whose week is known."""
    change, size = state.today
    seen = (size > 0) & (step.seen >= step.rates.settled)
    np.copyto(state.earlier[date], state.later[date], where=seen)
    np.copyto(state.later[date], np.clip(change / size, -1, MOST_EFFECT), where=seen)
