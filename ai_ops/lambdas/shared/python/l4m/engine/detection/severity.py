"""What a severity means: 50 is one such point per series in a week, 70 in a month, 90 in a year, on quiet data."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from l4m.engine.detection.severity_table import KNOTS, THRESHOLDS
from l4m.engine.detection.state import Array

PER_DAY = (0.0, math.log10(24), math.log10(288))  # log10 of the points of a day: of intervals of a day, an hour, five minutes
SEVERITIES = (0.0, 50.0, 70.0, 90.0)
BEYOND = 4.6  # score past the last knot that takes severity half the way from 90 to 100
LEAST, MOST = 3.45, -1.84  # log survival score that sensitivities of 0 and 100 ask for beyond what 50 does


def severity_of(survival_score: Array, per_day: int, out: Array | None = None) -> Array:
    """Return severities, 0-100, of log survival scores (-log of the share of points beyond a sigma that deviate more).

    Examples
    --------
    >>> of_a_day = [row[0] for row in KNOTS]
    >>> severity_of(np.array([0.0, *of_a_day, 999], np.float32), per_day=1).round().tolist()
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
    shift = float(np.interp(sensitivity, [0.0, 50.0, 100.0], [LEAST, 0.0, MOST]))
    return shift + float(np.interp(math.log10(per_day), PER_DAY, THRESHOLDS))
