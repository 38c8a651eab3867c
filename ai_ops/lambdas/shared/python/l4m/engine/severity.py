"""What a severity means: 50 is one such point per series in a week, 70 in a month, 90 in a year, on quiet data."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array

NOMINAL_DAYS = {50: 7.0, 70: 30.0, 90: 365.0}
_STEPS = np.log10(np.array([7.0, 30.0, 365.0]))
_BEYOND = 2.0  # orders of magnitude past a year that take severity half the way from 90 to 100


def severity_of(surprise: Array) -> Array:
    """Return severities, 0-100, of points that occur once in 10**``surprise`` days.

    Examples
    --------
    >>> severity_of(np.log10(np.array([7, 30, 365], np.float32))).round().tolist()
    [50.0, 70.0, 90.0]
    """
    over = np.maximum(surprise - np.float32(_STEPS[2]), 0)
    severity = np.interp(surprise, np.r_[0.0, _STEPS], [0.0, 50.0, 70.0, 90.0]).astype(np.float32)
    severity += 10 * over / (over + np.float32(_BEYOND))
    return severity


def threshold_of(sensitivity: float) -> float:
    """Return the surprise, in log10 days, from which a point is an anomaly at a sensitivity of 0 to 100.

    >>> threshold_of(100) < threshold_of(50) < threshold_of(0)
    True
    """
    return float(np.interp(sensitivity, [0.0, 50.0, 100.0], [4.0, 2.0, 0.5]))
