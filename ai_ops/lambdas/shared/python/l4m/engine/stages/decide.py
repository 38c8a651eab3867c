"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.severity import severity_of, threshold_of
from l4m.engine.stages.calibrate import BASE
from l4m.model import Direction


def decide(point: Point, memory: Memory) -> None:
    """Fill ``severity``, ``lower``, ``upper``, ``is_anomaly`` and ``trust``."""
    settings = point.settings
    surprise = point.surprise - np.float32(np.log10(point.rates.per_day) * 0.4 + 0.2)
    scored = (point.present > 0) & (memory.seen[0] >= point.rates.cold_start)
    point.severity = severity_of(surprise)
    point.severity[~scored] = np.nan
    threshold = np.float32(threshold_of(settings.sensitivity))
    size = np.abs(point.deviation)
    wide = (size >= settings.minimum_absolute) & (size >= settings.minimum_relative * np.abs(point.expected))
    up = point.deviation > 0
    side = up if settings.direction is Direction.UP else ~up if settings.direction is Direction.DOWN else True
    point.is_anomaly = scored & (surprise >= threshold) & wide & side
    reach = (memory.quantile[:2] * np.exp(memory.tail[:2] * np.float32(2.3026) * np.maximum(threshold - BASE, 0) * 0.7)) * point.scale
    point.upper, point.lower = point.expected + reach[0], point.expected - reach[1]
    point.trust = point.present

