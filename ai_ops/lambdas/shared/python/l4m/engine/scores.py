"""What a detector says about points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Array


@dataclass(frozen=True)
class Scores:
    """What is said about points; arrays of shape (series,) from a step, (intervals, series) from a run.

    Attributes
    ----------
    expected, lower, upper : prediction and band, in units of the value
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
        """Return scores of a shape, not filled in yet."""
        expected, lower, upper, error, usual, severity, lasted = (np.empty(shape, np.float32) for _ in range(7))
        is_anomaly, missing = (np.empty(shape, np.bool_) for _ in range(2))
        return cls(expected, lower, upper, error, usual, severity, lasted, is_anomaly, missing)

    def part(self, *index: int | slice) -> Scores:
        """Return a view of an interval of a run, or of some of its series."""
        return Scores(*(array[index] for array in vars(self).values()))
