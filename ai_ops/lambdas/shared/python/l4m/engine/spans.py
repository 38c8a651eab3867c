"""Deviations added up over hours, for those that are small against the noise of an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.state import Array
from l4m.engine.ratios import TINY, TO_SIGMA

CALMEST = np.float32(0.8)  # what a sum strays at least, in standard errors of independent intervals
DOUBT = np.float32(0.02)  # of what is expected, by which a ratio may be wrong
FAR, MOST = np.float32(4.0), np.float32(8.0)  # standard errors; what is further teaches no more; what one interval adds to a sum
PASSING = np.float32(0.2)  # share of a sum's sigmas that the next shorter sum has to confirm
GAP, VARIANCE, WHOLE, AWAY = range(4)  # terms of a sum

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Gaps:
    """Deviations beside kin; arrays of shape (intervals, kinds, cells).

    Attributes
    ----------
    expected, gap, error : what is expected beside the kin, the deviation from it and its standard error
    away : deviation from the season
    is_ready : enough is known for the deviation to say something
    """

    expected: Array
    gap: Array
    error: Array
    away: Array
    is_ready: Bools


class Spans:
    """Decaying sums of deviations, one of each length; what they stray as a rule is learned at the end of a day.

    Parameters
    ----------
    lengths : sequence of int
        Intervals of the sums, ascending.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self._lengths = lengths
        self._sums = np.zeros((len(lengths), 4, 0, 0), np.float32)
        self._spread = np.zeros((len(lengths), 0, 0), np.float32)
        self._today = np.zeros((len(lengths), 2, 0, 0), np.float32)

    def resize(self, widen: Any) -> None:
        """Make room, by a function that widens an array of shape (..., kinds, cells)."""
        self._sums, self._spread, self._today = widen(self._sums), widen(self._spread), widen(self._today)

    def add_up(self, gaps: Gaps) -> Array:
        """Return deviations in standard errors, each by itself or the sum that says most, as far as the shorter sums confirm it."""
        limit = MOST * gaps.error
        terms = np.stack([np.clip(gaps.gap, -limit, limit), np.square(gaps.error), gaps.expected, gaps.away], axis=1)
        terms *= gaps.is_ready[:, np.newaxis]
        found = shorter = sigmas_of(gaps.gap, gaps.away, np.square(gaps.error), gaps.expected) * gaps.is_ready
        agrees = gaps.is_ready
        for number, length in enumerate(self._lengths):
            sums = self._decay(number, length, terms)
            usual = np.maximum(TO_SIGMA * self._spread[number], CALMEST)
            self._note(number, sums, usual, gaps.is_ready)
            sigmas = sigmas_of(sums[:, GAP], sums[:, AWAY], sums[:, VARIANCE] * np.square(usual), sums[:, WHOLE])
            agrees = agrees & (shorter * np.sign(sigmas) >= PASSING * np.abs(sigmas))
            shorter = sigmas * agrees
            found = np.where(np.abs(shorter) > np.abs(found), shorter, found)
        return np.asarray(found)

    def _decay(self, number: int, length: int, terms: Array) -> Array:
        """Return a sum after every interval."""
        sums, kept, share = np.empty_like(terms), self._sums[number], np.float32(1 - 1 / length)
        for term, now in zip(terms, sums, strict=True):
            np.multiply(kept, share, out=now)
            kept = np.add(now, term, out=now)
        self._sums[number] = kept
        return sums

    def _note(self, number: int, sums: Array, usual: Array, ready: Bools) -> None:
        """Note how far a sum strays: neighbours in time are not independent."""
        size = np.abs(sums[:, GAP]) / np.sqrt(np.maximum(sums[:, VARIANCE], TINY))
        limit = np.where(self._spread[number] > 0, FAR * usual, MOST)
        size = np.minimum(size, limit) * ready
        size[0] += self._today[number, 0]
        np.add.reduce(size, axis=0, out=self._today[number, 0])
        self._today[number, 1] += ready.sum(axis=0)

    def end_day(self, points: float, weight: Array) -> None:
        """Learn what was noted of the day; ``weight`` are the points learned by then, at most so many of which count."""
        size, count = self._today[:, 0], self._today[:, 1]
        self._spread += (size - count * self._spread) / np.maximum(np.minimum(points, weight) + count, 1)
        self._today[:] = 0

    def to_arrays(self) -> dict[str, Array]:
        """Return everything that was learned, by name."""
        return {"sums": self._sums, "spread": self._spread, "strayed": self._today}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what ``to_arrays`` returned."""
        self._sums, self._spread, self._today = arrays["sums"], arrays["spread"], arrays["strayed"]


def sigmas_of(gap: Array, away: Array, variance: Array, whole: Array) -> Array:
    """Return deviations in standard errors, no larger than those from the season, and 0 where these go to the other side.

    >>> sigmas_of(np.array([-50.0, 50.0]), np.array([-80.0, -80.0]), np.array([100.0, 100.0]), np.array([100.0, 100.0])).round(1).tolist()
    [-4.9, 0.0]
    """
    error = np.sqrt(variance + np.square(DOUBT * whole) + TINY)
    return np.asarray(np.sign(gap) * np.minimum(np.abs(gap), np.maximum(np.sign(gap) * away, 0)) / error)
