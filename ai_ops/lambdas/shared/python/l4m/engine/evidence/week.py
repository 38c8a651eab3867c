"""The hour of the week: by what it differs from the season, learned within a few visits and used as far as it is sure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.noise import TINY, Array

VISITS = 4.0  # that are remembered
SETTLED_WEEKS = 8  # after which one difference counts for so many standard errors at most
LIMIT = 4.0
DOUBT = 2.0  # variances of a difference, below which it is left to chance


class WeekMemory:
    """Mean difference of every series from its season, by hour of the week (by weekday where an interval is a day).

    The seasons of the detector are additive and learn a week slowly, so that they serve every kind of series. What is left
    of a strong week, closed nights and weekends above all, is learned here.
    """

    def __init__(self, rows: int, measures: int, intervals_per_row: float, intervals_per_week: int) -> None:
        self._measures, self._per_row, self._settled = measures, intervals_per_row, SETTLED_WEEKS * intervals_per_week
        self.means, self.visits = (np.zeros((rows, 0, measures), np.float32) for _ in range(2))

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - self.means.shape[1]
        blank = np.zeros((len(self.means), more, self._measures), np.float32)
        self.means, self.visits = np.concatenate([self.means, blank], axis=1), np.concatenate([self.visits, blank], axis=1)

    def correction(self, row: int, variance: Array, rows: Any = slice(None)) -> Array:
        """Return what is to be added to a season, arrays of shape (nodes, measures).

        The mean difference is shrunk by its own uncertainty (James and Stein 1961): one that noise explains counts nothing.
        """
        mean, visits = self.means[row][rows], self.visits[row][rows] / np.float32(self._per_row)
        with np.errstate(all="ignore"):
            sure = 1 - DOUBT * variance / (np.maximum(visits, 1) * np.square(mean))
            return np.where((sure > 0) & (visits > 0.5), mean * sure, np.float32(0))

    def learn(self, row: int, difference: Array, variance: Array, points: Array, weight: Array) -> None:
        """Learn by how much an interval differed from its season; ``points`` is how many were seen of each series."""
        means, visits = self.means[row], self.visits[row]
        change = difference - means
        limit = np.where(points > self._settled, LIMIT * np.sqrt(np.maximum(variance, TINY)), np.float32(np.inf))
        np.clip(change, -limit, limit, out=change)
        change *= weight / np.minimum(visits + 1, np.float32(VISITS * self._per_row))
        means += change
        visits += weight

    def rescale(self, nodes: NDArray[np.int64], measure: int, factor: float) -> None:
        """Multiply what is known of some nodes."""
        self.means[:, nodes, measure] *= factor

    def add(self, target: int, sources: NDArray[np.int64], measure: int, weights: Array) -> None:
        """Add the differences of some nodes, each times a weight, to those of another."""
        self.means[:, target, measure] += self.means[:, sources, measure] @ weights

    def to_arrays(self) -> dict[str, Array]:
        """Return everything that was learned, by name."""
        return {"means": self.means, "visits": self.visits}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.means, self.visits = arrays["means"], arrays["visits"]
