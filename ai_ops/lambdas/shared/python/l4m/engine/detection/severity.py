"""What a severity means: 50 is one such point per series in a week, 70 in a month, 90 in a year, on quiet data."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from l4m.engine.detection.state import Array

PER_DAY = (0.0, math.log10(24), math.log10(288))  # log10 of the points of a day: of intervals of a day, an hour, five minutes
KNOTS = ((0.83, 2.86, 3.80), (1.89, 3.55, 4.30), (3.18, 5.07, 5.30))  # log survival scores there of severities 50, 70, 90, on quiet series
SEVERITIES = (0.0, 50.0, 70.0, 90.0)
BEYOND = 4.6  # score past the last knot that takes severity half the way from 90 to 100
THRESHOLD, THRESHOLD_PER_DAY = (
    2.5,
    0.73,
)  # score of an anomaly at sensitivity 50, and its growth with log10 of the points of a day


def severity_of(survival_score: Array, per_day: int, out: Array | None = None) -> Array:
    """Return severities, 0-100, of log survival scores (-log of the share of points beyond a sigma that deviate more).

    Examples
    --------
    >>> severity_of(np.array([0.0, 0.83, 1.89, 3.18, 999], np.float32), per_day=1).round().tolist()
    [0.0, 50.0, 70.0, 90.0, 100.0]
    """
    knots, slopes = _knots(per_day)
    severity = np.multiply(survival_score, slopes[0], out=out)
    rare = (survival_score > knots[1]).nonzero()[0]
    severity[rare] += _bend(survival_score[rare], knots, slopes)
    return np.asarray(severity)


def _bend(survival_score: Array, knots: tuple[float, ...], slopes: tuple[float, ...]) -> Array:
    """Return by how much severities past the first knot exceed the line that leads there."""
    over = np.maximum(survival_score - knots[-1], 0)
    bend = (100 - SEVERITIES[-1]) * over / (over + BEYOND)
    for knot, before, after in zip(knots[1:], slopes, slopes[1:], strict=False):
        bend += (after - before) * np.maximum(survival_score - knot, 0)
    return np.asarray(bend)


@lru_cache
def _knots(per_day: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the log survival scores of the severities, and by how much severity grows with the score past each of them."""
    knots = 0.0, *(float(np.interp(math.log10(per_day), PER_DAY, row)) for row in KNOTS)
    return knots, (*(np.diff(SEVERITIES) / np.diff(knots)).tolist(), 0.0)


def threshold_of(sensitivity: float, per_day: int) -> float:
    """Return the log survival score from which a point is an anomaly at a sensitivity of 0 to 100.

    >>> threshold_of(100, 24) < threshold_of(50, 24) < threshold_of(0, 24)
    True
    """
    return float(np.interp(sensitivity, [0.0, 50.0, 100.0], [3.45, 0.0, -1.84])) + THRESHOLD + THRESHOLD_PER_DAY * math.log10(per_day)
