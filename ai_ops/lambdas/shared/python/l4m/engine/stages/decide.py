"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point
from l4m.engine.severity import severity_of, threshold_of
from l4m.engine.stages.calibrate import BASE, PER_LOG10
from l4m.model import Direction

IN_EVENT = 0.3  # how much a point inside an event teaches the baseline
INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``lower``, ``upper``, ``is_anomaly`` and ``trust``, and open events."""
    threshold = threshold_of(point.settings.sensitivity, point.rates.per_day)
    scored = point.present > 0
    if point.youngest < point.rates.cold_start:
        scored &= point.seen >= point.rates.cold_start
    surprise = point.is_held * threshold
    np.maximum(surprise, point.surprise, out=surprise)
    point.severity = severity_of(surprise, point.rates.per_day)
    np.copyto(point.severity, np.nan, where=~scored)
    beyond = scored & (surprise >= threshold)
    sign = memory.event[0]
    sign += beyond * np.sign(point.deviation) * (sign == 0)
    size = np.abs(point.deviation)
    point.is_anomaly = beyond & _is_wanted(point, size)
    _draw_band(point, memory, threshold, size)
    point.trust = point.present * ((1 - point.moment.holiday) * (1 - (1 - IN_EVENT) * np.abs(sign)))


def _is_wanted(point: Point, size: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | bool:
    settings, wanted = point.settings, np.ones(len(size), np.bool_)
    if settings.minimum_absolute:
        wanted &= size >= settings.minimum_absolute
    if settings.minimum_relative:
        wanted &= size >= settings.minimum_relative * np.abs(point.expected)
    if settings.direction is Direction.UP:
        wanted &= point.deviation > 0
    if settings.direction is Direction.DOWN:
        wanted &= point.deviation < 0
    return wanted


def _draw_band(point: Point, memory: Memory, threshold: float, size: Array) -> None:
    """Draw the band at the deviation whose surprise is the threshold; the value is outside exactly if it is an anomaly."""
    reach = memory.tail[:2] * ((threshold - BASE) / PER_LOG10)
    np.exp(reach, out=reach)
    reach *= memory.quantile[:2]
    reach *= point.scale
    outside = point.is_anomaly.astype(np.float32)
    most = size * (1 - (1 - INSIDE) * outside)
    edge = np.maximum(reach, most)
    edge += outside * (np.minimum(reach, most) - edge)
    point.upper, point.lower = point.expected + edge[0], point.expected - edge[1]
