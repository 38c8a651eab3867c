"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import math

import numpy as np

from l4m.engine.detection.report_filter import is_wanted
from l4m.engine.detection.severity import severity_of
from l4m.engine.detection.stages.calibrate import LIGHTEST, SHARE
from l4m.engine.detection.stages.hold_events import STAY
from l4m.engine.detection.state import Memory
from l4m.engine.detection.step import Indices, Point

INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside
TWENTIETH = math.log(SHARE / 0.025)  # tails from a sigma to the deviation that one of twenty points exceeds, up or down
NINETY_FIVE = 1.96  # the same deviation of a Gaussian, in sigmas


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``error``, ``is_anomaly``, and ``lower`` and ``upper`` where they are wanted; open events."""
    surprise, scores = point.surprise, point.scores
    if len(point.held):
        surprise[point.held] = np.maximum(surprise[point.held], point.threshold)
    severity_of(surprise, point.rates.per_day, out=scores.severity)
    beyond = (surprise >= point.threshold).nonzero()[0]
    if not point.is_complete or point.youngest < point.rates.cold_start:
        beyond = _leave_unscored(point, beyond)
    scores.lasted[point.open] = memory.event[1, point.open]
    if len(beyond):
        _open_events(point, memory, beyond)
        memory.anomaly[0, beyond] = np.copysign(point.seen[beyond] + 1, point.deviations[0, beyond])
        beyond = beyond[is_wanted(point.deviations[0, beyond], point.expected[beyond], point.settings)]
        scores.is_anomaly[beyond] = True
    _state_error(point, memory)
    if point.draws_bands:
        _draw_band(point, memory, slice(None))
    elif len(outside := beyond if point.is_complete else (scores.is_anomaly | scores.missing).nonzero()[0]):
        _draw_band(point, memory, outside)


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


def _state_error(point: Point, memory: Memory) -> None:
    """State the deviation that one of twenty points exceeds to the heavier side as the standard error of a Gaussian."""
    error = np.abs(memory.tilt[0], out=point.scores.error)
    error += memory.tail[0]
    np.maximum(error, LIGHTEST, out=error)
    error *= TWENTIETH
    np.exp2(error, out=error)
    error *= point.room.scales[0]
    error *= 1 / NINETY_FIVE


def _draw_band(point: Point, memory: Memory, which: Indices | slice) -> None:
    """Draw the band at the deviation whose surprise is the threshold; the value is outside exactly if it is an anomaly."""
    scores, expected, tail, tilt = point.scores, point.expected[which], memory.tail[0, which], memory.tilt[0, which]
    size, value, is_outside = np.abs(point.deviations[0, which]), point.value[which], scores.is_anomaly[which]
    reach = np.exp2(np.maximum([tail + tilt, tail - tilt], LIGHTEST) * point.threshold) * point.room.scales[0, which]
    np.minimum(reach, size * INSIDE, out=reach, where=is_outside)
    upper, lower = expected + reach[0], expected - reach[1]
    scores.upper[which] = np.maximum(upper, value, out=upper, where=~is_outside)
    scores.lower[which] = np.minimum(lower, value, out=lower, where=~is_outside)
