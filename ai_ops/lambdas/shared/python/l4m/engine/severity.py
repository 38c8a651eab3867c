"""What a severity means: 50 is one such point per series in a week, 70 in a month, 90 in a year, on quiet data."""

from __future__ import annotations

import math

import numpy as np

from l4m.engine.memory import Array

PER_DAY = 0.66  # by how much the surprise of a once-a-week point grows with log10 of the points of a day
KNOTS = (0.0, 1.09, 1.5, 2.25)  # surprise, less that growth, of severities 0, 50, 70, 90: measured on quiet series
SEVERITIES = (0.0, 50.0, 70.0, 90.0)
BEYOND = 2.0  # surprise past the last knot that takes severity half the way from 90 to 100
THRESHOLD, THRESHOLD_PER_DAY = 1.88, 0.37  # surprise of an anomaly at sensitivity 50, and its growth as above


def severity_of(surprise: Array, per_day: int) -> Array:
    """Return severities, 0-100, of surprises (-log10 of the share of points that deviate more).

    Examples
    --------
    >>> severity_of(np.array([0.0, 1.09, 1.5, 2.25], np.float32), per_day=1).round().tolist()
    [0.0, 50.0, 70.0, 90.0]
    """
    place = surprise - PER_DAY * math.log10(per_day)
    severity = np.maximum(place, 0)
    severity *= SEVERITIES[1] / KNOTS[1]
    rare = np.flatnonzero(place > KNOTS[1])
    over = place[rare] - KNOTS[-1]
    severity[rare] = np.interp(place[rare], KNOTS, SEVERITIES)
    np.maximum(over, 0, out=over)
    severity[rare] += (100 - SEVERITIES[-1]) * over / (over + BEYOND)
    return np.asarray(severity)


def threshold_of(sensitivity: float, per_day: int) -> float:
    """Return the surprise from which a point is an anomaly at a sensitivity of 0 to 100.

    >>> threshold_of(100, 24) < threshold_of(50, 24) < threshold_of(0, 24)
    True
    """
    return float(np.interp(sensitivity, [0.0, 50.0, 100.0], [1.5, 0.0, -0.8])) + THRESHOLD + THRESHOLD_PER_DAY * math.log10(per_day)
