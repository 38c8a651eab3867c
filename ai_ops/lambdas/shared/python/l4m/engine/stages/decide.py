"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.severity import severity_of
from l4m.engine.stages.calibrate import BASE, PER_LOG10
from l4m.engine.stages.hold import STAY
from l4m.model import Direction

IN_EVENT = 0.3  # how much a point inside an event teaches the baseline
INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside
NINETY = 1.2816  # standard deviations to the 90 % quantile of a Gaussian


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``lower``, ``upper``, ``error``, ``is_anomaly`` and ``trust``, and open events."""
    threshold = point.threshold
    point.surprise[point.held] = np.maximum(point.surprise[point.held], threshold)
    point.severity = severity_of(point.surprise, point.rates.per_day)
    unscored = point.present == 0
    if point.youngest < point.rates.cold_start:
        unscored |= point.seen < point.rates.cold_start
    point.severity[unscored] = np.nan
    beyond = np.flatnonzero((point.surprise >= threshold) & ~unscored)
    sign = memory.event[0]
    opened = beyond[(sign[beyond] == 0) & (point.lasting[beyond] >= threshold - STAY)]
    sign[opened] = np.sign(point.deviations[1, opened])
    wanted = beyond[_is_wanted(point, beyond)]
    point.is_anomaly = np.zeros(len(sign), np.bool_)
    point.is_anomaly[wanted] = True
    _draw_band(point, memory, threshold, wanted)
    point.trust = point.present * (1 - point.moment.holiday)
    point.trust[np.flatnonzero(sign != 0)] *= IN_EVENT


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
    size = np.abs(point.deviations[0])
    quantile, tail = memory.quantile[::2], memory.tail[::2]
    reach = tail * ((threshold - BASE) / PER_LOG10)
    reach += quantile
    np.exp(reach, out=reach)
    reach *= point.scales[0]
    edge = np.maximum(reach, size)
    edge[:, outside] = np.minimum(reach[:, outside], size[outside] * INSIDE)
    point.upper, point.lower = point.expected + edge[0], point.expected - edge[1]
    point.error = np.maximum(quantile[0], quantile[1])
    np.exp(point.error, out=point.error)
    point.error *= point.scales[0]
    point.error /= NINETY
