"""What a detector says about points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import blank_rows
from l4m.engine.detection.state import Array


@dataclass(frozen=True)
class Scores:
    """What is said about points; arrays of shape (series,) from a step, (intervals, series) from a run.

    Attributes
    ----------
    expected : prediction, in units of the value
    lower, upper : band around it; 0 where it was not asked for, unless the point is an anomaly or missing
    error : standard error of the prediction, from the deviations that nineteen of twenty points keep to
    usual : prediction of the season alone, which follows an event only slowly
    severity : 0-100; NaN where no value arrived, and before the cold start is over
    lasted : intervals for which the series has been off its season to one side already
    is_anomaly : the value is outside the band and the user's settings let it be reported
    missing : the series should have reported and did not
    """

    expected: Array
    lower: Array
    upper: Array
    error: Array
    usual: Array
    severity: Array
    lasted: Array
    is_anomaly: NDArray[np.bool_]
    missing: NDArray[np.bool_]

    @classmethod
    def blank(cls, *shape: int) -> Scores:
        """Return scores of a shape, not filled in yet: what is said of few points is 0 or False, which costs nothing until then."""
        expected, error, usual, severity = (blank_rows(*shape) for _ in range(4))
        lower, upper, lasted = (np.zeros(shape, np.float32) for _ in range(3))
        is_anomaly, missing = (np.zeros(shape, np.bool_) for _ in range(2))
        return cls(expected, lower, upper, error, usual, severity, lasted, is_anomaly, missing)

    def part(self, *index: int | slice) -> Scores:
        """Return a view of an interval of a run, or of some of its series."""
        return Scores(*(array[index] for array in vars(self).values()))
