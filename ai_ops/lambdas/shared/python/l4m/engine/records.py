"""Records: sums of a day that are further out than those of all recent days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RECENT = 60  # days that a record has to beat
SIGMAS = 2.0  # by which it is off their median, in robust standard deviations
TO_SIGMA = 1.4826  # median of absolute deviations to the standard deviation of a Gaussian

Floats = NDArray[np.float64]


class Records:
    """Remembers the sums of recent days.

    In a bad week what is usual rises, and its worst day is hardly more. A record is one whatever was expected.

    Parameters
    ----------
    measures : int
        Number of sums.

    Examples
    --------
    >>> records = Records(1)
    >>> found = [records.observe(np.array([float(value)])).item() for value in [*range(900, 1020, 2), 1100, 1050, 800]]
    >>> found[-3:]
    [1, 0, -1]
    """

    def __init__(self, measures: int) -> None:
        self.past = np.zeros((0, measures))

    def observe(self, value: Floats) -> NDArray[np.int64]:
        """Take in the sums of a day; return 1 where one is a record upwards, -1 downwards, else 0."""
        root, past = root_of(value), root_of(self.past)
        self.past = np.concatenate([self.past, value[np.newaxis]])[-RECENT:]
        if len(past) < RECENT:
            return np.zeros(len(value), np.int64)
        middle = np.median(past, axis=0)
        is_far = np.abs(root - middle) >= SIGMAS * TO_SIGMA * np.median(np.abs(past - middle), axis=0)
        side = (root > past.max(axis=0)).astype(np.int64) - (root < past.min(axis=0))
        return np.where(is_far, side, 0)


def root_of(values: Floats) -> Floats:
    """Return square roots that keep the sign: counts and amounts scatter with their root."""
    return np.asarray(np.sign(values) * np.sqrt(np.abs(values)))
