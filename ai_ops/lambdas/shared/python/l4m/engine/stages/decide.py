"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.severity import severity_of
from l4m.engine.stages.calibrate import LIGHTEST, SHARE
from l4m.engine.stages.hold import STAY
from l4m.model import Direction

INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside
TWENTIETH = math.log(SHARE / 0.025)  # tails from a sigma to the deviation that one of twenty points exceeds, up or down
NINETY_FIVE = 1.96  # the same deviation of a Gaussian, in sigmas


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``lower``, ``upper``, ``error`` and ``is_anomaly``, and open events."""
    threshold = point.threshold
    np.subtract(point.value, point.deviations[1], out=point.scores.usual)
    point.surprise[point.held] = np.maximum(point.surprise[point.held], threshold)
    severity_of(point.surprise, point.rates.per_day, out=point.scores.severity)
    is_beyond = point.surprise >= threshold
    if not point.is_complete:
        _leave_unscored(point, np.isnan(point.values), is_beyond)
    if point.youngest < point.rates.cold_start:
        _leave_unscored(point, point.seen < point.rates.cold_start, is_beyond)
    beyond = is_beyond.nonzero()[0]
    point.scores.lasted[:] = memory.event[1]
    sign = memory.event[0]
    opened = beyond[(sign[beyond] == 0) & (point.lasting[beyond] >= threshold - STAY)]
    sign[opened] = np.sign(point.deviations[1, opened])
    wanted = beyond[_is_wanted(point, beyond)]
    point.scores.is_anomaly[:] = False
    point.scores.is_anomaly[wanted] = True
    _draw_band(point, memory, threshold, wanted)


def _leave_unscored(point: Point, which: NDArray[np.bool_], is_beyond: NDArray[np.bool_]) -> None:
    point.scores.severity[which] = np.nan
    is_beyond[which] = False


def _is_wanted(point: Point, which: NDArray[np.intp]) -> NDArray[np.bool_]:
    settings, deviation = point.settings, point.deviations[0, which]
    size = np.abs(deviation)
    wanted = (size >= settings.minimum_absolute) & (size >= settings.minimum_relative * np.abs(point.expected[which]))
    if settings.direction is Direction.UP:
        wanted &= deviation > 0
    if settings.direction is Direction.DOWN:
        wanted &= deviation < 0
    return np.asarray(wanted)


def _draw_band(point: Point, memory: Memory, threshold: float, outside: NDArray[np.intp]) -> None:
    """Draw the band at the deviation whose surprise is the threshold; the value is outside exactly if it is an anomaly."""
    scores = point.scores
    size = np.abs(point.deviations[0], out=point.room.pairs[0][0])
    tail = np.maximum(memory.tail[::2], LIGHTEST, out=point.room.pairs[1])
    error = np.maximum(tail[0], tail[1], out=scores.error)
    error *= TWENTIETH
    np.exp2(error, out=error)
    error *= point.room.scales[0]
    error /= NINETY_FIVE
    tail *= threshold
    reach = np.exp2(tail, out=tail)
    reach *= point.room.scales[0]
    inside = np.minimum(reach[:, outside], size[outside] * INSIDE)
    np.maximum(reach, size, out=reach)
    reach[:, outside] = inside
    np.add(point.expected, reach[0], out=scores.upper)
    np.subtract(point.expected, reach[1], out=scores.lower)
