"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Memory
from l4m.engine.point import Indices, Point
from l4m.engine.severity import severity_of
from l4m.engine.stages.calibrate import LIGHTEST, SHARE
from l4m.engine.stages.hold import STAY
from l4m.model import Direction

INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside
TWENTIETH = math.log(SHARE / 0.025)  # tails from a sigma to the deviation that one of twenty points exceeds, up or down
NINETY_FIVE = 1.96  # the same deviation of a Gaussian, in sigmas


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``lower``, ``upper``, ``error`` and ``is_anomaly``, and open events."""
    surprise, scores = point.surprise, point.scores
    if len(point.held):
        surprise[point.held] = np.maximum(surprise[point.held], point.threshold)
    severity_of(surprise, point.rates.per_day, out=scores.severity)
    beyond = (surprise >= point.threshold).nonzero()[0]
    if not point.is_complete or point.youngest < point.rates.cold_start:
        beyond = _leave_unscored(point, beyond)
    scores.lasted[:] = memory.event[1]
    scores.is_anomaly[:] = False
    if len(beyond):
        _open_events(point, memory, beyond)
        beyond = beyond[_is_wanted(point, beyond)]
        scores.is_anomaly[beyond] = True
    _draw_band(point, memory, beyond)


def _leave_unscored(point: Point, beyond: Indices) -> Indices:
    """Take severities back where no value arrived or the cold start is not over; return what is left of ``beyond``."""
    is_unscored = np.isnan(point.values) | (point.seen < point.rates.cold_start)
    point.scores.severity[is_unscored] = np.nan
    return np.asarray(beyond[~is_unscored[beyond]])


def _open_events(point: Point, memory: Memory, beyond: Indices) -> None:
    sign = memory.event[0]
    opened = beyond[(sign[beyond] == 0) & (point.lasting[beyond] >= point.threshold - STAY)]
    sign[opened] = np.sign(point.deviations[1, opened])
    point.open = np.concatenate([point.open, opened])


def _is_wanted(point: Point, which: Indices) -> NDArray[np.bool_]:
    settings, deviation = point.settings, point.deviations[0, which]
    size = np.abs(deviation)
    wanted = (size >= settings.minimum_absolute) & (size >= settings.minimum_relative * np.abs(point.expected[which]))
    if settings.direction is Direction.UP:
        wanted &= deviation > 0
    if settings.direction is Direction.DOWN:
        wanted &= deviation < 0
    return np.asarray(wanted)


def _draw_band(point: Point, memory: Memory, outside: Indices) -> None:
    """Draw the band at the deviation whose surprise is the threshold; the value is outside exactly if it is an anomaly."""
    scores, scale = point.scores, point.room.scales[0]
    size, reach = np.abs(point.deviations[0], out=point.room.pairs[0][0]), point.room.pairs[1]
    np.add(memory.tail[0], memory.tilt[0], out=reach[0])
    np.subtract(memory.tail[0], memory.tilt[0], out=reach[1])
    np.maximum(reach, LIGHTEST, out=reach)
    error = np.maximum(reach[0], reach[1], out=scores.error)
    error *= TWENTIETH
    np.exp2(error, out=error)
    error *= scale
    error *= 1 / NINETY_FIVE
    reach *= point.threshold
    np.exp2(reach, out=reach)
    reach *= scale
    inside = np.minimum(reach[:, outside], size[outside] * INSIDE)
    np.maximum(reach, size, out=reach)
    reach[:, outside] = inside
    np.add(point.expected, reach[0], out=scores.upper)
    np.subtract(point.expected, reach[1], out=scores.lower)
