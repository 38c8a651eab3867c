"""Ratios of a series to its kin, by hour of the day, and how much they scatter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.state import Array

TO_SIGMA = np.float32(1.2533)  # mean absolute deviation of a Gaussian to its standard deviation
CALMEST = np.float32(0.3)  # least scatter, in roots of the size
GRAIN = np.float32(0.8)  # of what most series of a measure scatter, what any does at least
TINY = np.float32(1e-6)
OWN, KIN, SCATTER, WEIGHT = range(4)  # terms: sums of values, of kin, of absolute deviations in roots of the size, and their number

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Ratios:
    """What ratios were on earlier days; a day is learned when it ends, so all of it is judged by what was known before.

    Parameters
    ----------
    hours : int
        Rows by hour, or by weekday where an interval is a day.
    visits, prior : float
        Points of an hour that are remembered; points for which all other hours stand in.
    """

    def __init__(self, hours: int, visits: float, prior: float) -> None:
        self._visits, self._prior = np.float32(visits), np.float32(prior)
        self.points = np.float32(visits * hours)
        self._hours, self._today = (np.zeros((hours, 4, 0, 0), np.float32) for _ in range(2))
        self._steady = np.zeros((4, 0, 0), np.float32)
        self._table: Array | None = None

    @property
    def weight(self) -> Array:
        """Points that were learned, shape (kin, cells)."""
        return np.asarray(self._steady[WEIGHT])

    @property
    def scatter(self) -> Array:
        """Mean absolute deviation of all hours, in roots of the size, shape (kin, cells)."""
        return np.asarray(self._steady[SCATTER] / np.maximum(self.weight, TINY))

    def resize(self, widen: Any) -> None:
        """Make room, by a function that widens an array of shape (..., kin, cells)."""
        self._hours, self._today, self._steady = widen(self._hours), widen(self._today), widen(self._steady)
        self._table = None

    def expect(self, kin: Array, hours: Ints, measures: int) -> tuple[Array, Array]:
        """Return what is expected beside kin, shape (intervals, kin, cells), and how much it scatters, in roots of the size."""
        if self._table is None:
            terms = self._hours + self._prior / np.maximum(self.weight, TINY) * self._steady
            scatter = TO_SIGMA * terms[:, SCATTER] / np.maximum(terms[:, WEIGHT], TINY)
            self._table = np.stack([terms[:, OWN] / np.maximum(terms[:, KIN], TINY), np.maximum(scatter, self._grain(measures))])
        ratio, scatter = self._table[:, hours]
        return np.asarray(kin * ratio), np.asarray(scatter)

    def _grain(self, measures: int) -> Array:
        """Return the least scatter of every cell: a sum of few large parts is not as regular as it may have looked lately."""
        best = np.where(self.weight > 0, self.scatter, np.float32(np.inf)).min(axis=0, initial=np.inf).reshape(measures, -1)
        typical = [np.median(one[one < np.inf]) if (one < np.inf).any() else 0.0 for one in best]
        least = np.maximum(GRAIN * TO_SIGMA * np.array(typical, np.float32), CALMEST)
        return np.asarray(np.repeat(least, self.weight.shape[1] // measures))

    def learn(self, hours: Ints, own: Array, kin: Array, units: Array, teach: Array) -> None:
        """Note consecutive intervals of a day, arrays of shape (intervals, kin, cells), each as far as it teaches anything."""
        terms = np.empty((len(teach), 4, *teach.shape[1:]), np.float32)
        for term, array in ((OWN, own), (KIN, kin), (SCATTER, units)):
            np.multiply(array, teach, out=terms[:, term])
        terms[:, WEIGHT] = teach
        for hour, term in zip(hours.tolist(), terms, strict=True):  # in turn: the same comes out however a day is cut into blocks
            self._today[hour] += term

    def end_day(self) -> None:
        """Learn what was noted of the day."""
        _renew(self._hours, self._today, self._visits)
        _renew(self._steady, self._today.sum(axis=0), self.points)
        self._today[:] = 0
        self._table = None

    def to_arrays(self) -> dict[str, Array]:
        """Return everything that was learned, by name."""
        return {"hours": self._hours, "today": self._today, "steady": self._steady}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what ``to_arrays`` returned."""
        self._hours, self._today, self._steady = arrays["hours"], arrays["today"], arrays["steady"]
        self._table = None


def _renew(learned: Array, today: Array, points: np.float32) -> None:
    """Let what was learned forget as much as a day brings."""
    learned *= np.maximum(1 - today[..., WEIGHT : WEIGHT + 1, :, :] / points, 0)
    learned += today
