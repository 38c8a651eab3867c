"""Stage: recall what this date did in the months before: first and last days of months and quarters, middles of months."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.forecast import DAILY, WEEKLY
from l4m.engine.detection.state import Array, Memory
from l4m.engine.detection.step import Point

LEAST_EFFECT = 2.0  # mean absolute errors of the season; what is less is left to chance
MOST_EFFECT = 4.0  # times the size of the season


def recall(point: Point, memory: Memory) -> None:
    """Move ``usual`` and the ``errors`` of the seasons by the effect of the date, and learn what this day does.

    An effect is a share of the size that the season predicts. It counts once two visits in a row agree, as far as they
    agree: one incident on the last of a month is not expected again on the next.
    """
    dates = point.moment.dates
    if not dates:
        return
    if point.moment.begins_day:
        memory.effect[0] = _effect(memory, dates)
        memory.today.fill(0)
    if point.moment.phase % point.rates.size_every == 0 or point.moment.ends_day:
        memory.today[0] += point.room.errors[0] * point.present
        memory.today[1] += np.abs(point.scores.usual) * point.present
    if point.moment.ends_day:
        _remember(point, memory, dates[0])
    if memory.effect.any():
        _apply(point, memory.effect[0])


def _apply(point: Point, effect: Array) -> None:
    errors, usual = point.room.errors, point.scores.usual
    change = np.abs(usual)
    change *= effect
    usual += change
    errors[0] -= change
    errors[2:] -= change


def _effect(memory: Memory, dates: tuple[int, ...]) -> Array:
    """Return the effect on which the last two visits agree, of the most special date that has one, else 0."""
    effect = np.zeros_like(memory.effect[0])
    usual = np.minimum(memory.error[DAILY], memory.error[WEEKLY])
    for date in reversed(dates):
        earlier, later = memory.earlier[date], memory.later[date]
        size = np.minimum(np.abs(earlier), np.abs(later))
        agrees = ((earlier * later > 0) & (size * memory.size[0] > LEAST_EFFECT * usual)).nonzero()[0]
        effect[agrees] = np.sign(later[agrees]) * size[agrees]
    return np.asarray(effect)


def _remember(point: Point, memory: Memory, date: int) -> None:
    """Make this day the latest visit of the date, in series that reported and whose week is known."""
    change, size = memory.today
    seen = (size > 0) & (point.seen >= point.rates.settled)
    np.copyto(memory.earlier[date], memory.later[date], where=seen)
    np.copyto(memory.later[date], np.clip(change / size, -1, MOST_EFFECT), where=seen)
