"""Where an incident lives: which combinations of dimension values moved, judged with the known error of every leaf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.cuboids import Cuboid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RELATIVE_ERROR = 0.07  # of the expected value: what leaves that move together may still differ by
MOST_SIGMAS = 10.0  # a single leaf counts no more than this, however wrong its error is
PARTS_GAIN = 1.1  # parts have to explain so much more than the whole
MAXIMUM_PLACES = 5
LEAST_SHARE = 0.1  # of the first place's evidence; less is left to noise


@dataclass(frozen=True)
class Place:
    """A combination of dimension values, its leaves, and the log likelihood ratio of its moving less the cost of naming it."""

    dimensions: tuple[int, ...]
    leaves: Ints
    evidence: float
    sign: int
    expected: Floats | None = None  # of its leaves, if not what each by itself was expected to be


@dataclass(frozen=True)
class Moves:
    """Weighted least squares of every leaf: ``moved`` = w d and ``weighed`` = w f, with w = f / error^2."""

    moved: Floats
    weighed: Floats

    @classmethod
    def of(cls, actual: Floats, expected: Floats, error: Floats) -> Moves:
        """Return the terms of leaves with these values; errors are widened to what the model can claim.

        A rise counts against the mean of both values, as in 2 (a - f) / (a + f): what rises a hundredfold here and tenfold there
        does alike. Its error shrinks with it, so that it stays as many standard errors.
        """
        deviation, size = actual - expected, np.maximum(np.abs(expected), 1e-12)
        rise = 2.0 * size / np.maximum(np.abs(actual) + size, 2.0 * size)
        deviation, error = rise * deviation, rise * error
        error = np.maximum.reduce([error, RELATIVE_ERROR * size, np.abs(deviation) / MOST_SIGMAS])
        error = np.maximum(error, 1e-12)
        return cls(np.where(expected < 0, -1.0, 1.0) * size / error**2 * deviation, size**2 / error**2)

    def evidence(self, keys: Ints, size: int) -> Floats:
        """Return the log likelihood ratio of every element of a cuboid."""
        return np.asarray(np.bincount(keys, self.moved, size) ** 2 / (2.0 * np.maximum(np.bincount(keys, self.weighed, size), 1e-12)))

    def among(self, leaves: Ints | NDArray[np.bool_]) -> Moves:
        """Return the terms of some leaves."""
        return Moves(self.moved[leaves], self.weighed[leaves])

    def without(self, leaves: Ints) -> Moves:
        """Return the terms with some leaves set aside."""
        rest = np.ones(len(self.moved))
        rest[leaves] = 0.0
        return Moves(self.moved * rest, self.weighed * rest)


def locate(cuboids: Sequence[Cuboid], moves: Moves) -> list[Place]:
    """Return the places whose leaves changed by a common factor, best first.

    Notes
    -----
    Under a common change r, actual = (1 + r) expected. With Gaussian errors the log likelihood ratio of its best r is
    (sum w d)^2 / (2 sum w f), with d the deviation, f the expected value and w = f / error^2 (weighted least squares); two
    sums per cuboid give it for all elements at once. An element that its parts along one dimension explain better is passed
    over; the best one is taken, its leaves are set aside, and so on.

    Examples
    --------
    >>> from l4m.engine.hierarchy.cuboids import build_cuboids
    >>> codes = np.array([[a, b] for a in range(3) for b in range(3)])
    >>> actual = np.where(codes[:, 0] == 1, 60.0, 100.0)
    >>> [place.dimensions for place in locate(build_cuboids(codes), Moves.of(actual, np.full(9, 100.0), np.full(9, 5.0)))]
    [(0,)]
    """
    places: list[Place] = []
    while len(places) < MAXIMUM_PLACES:
        best = _find_best(cuboids, moves)
        if best is None or (places and best.evidence < LEAST_SHARE * places[0].evidence):
            break
        places.append(best)
        moves = moves.without(best.leaves)
    return places


def _find_best(cuboids: Sequence[Cuboid], moves: Moves) -> Place | None:
    """Return the element with the most evidence that is not better explained by its parts."""
    scores = [moves.evidence(one.keys, one.size) - one.cost for one in cuboids]
    offsets = np.cumsum([0, *(len(score) for score in scores)])
    flat = np.concatenate(scores)
    candidates = np.flatnonzero(flat > 0.0)
    for at in candidates[np.argsort(-flat[candidates], kind="stable")]:
        owner = int(np.searchsorted(offsets, at, side="right")) - 1
        leaves = np.flatnonzero((cuboids[owner].keys == at - offsets[owner]) & (moves.weighed > 0))
        if not _has_better_parts(cuboids, cuboids[owner], leaves, moves.among(leaves)):
            return Place(cuboids[owner].dimensions, leaves, float(flat[at]), 1 if moves.moved[leaves].sum() > 0 else -1)
    return None


def _has_better_parts(cuboids: Sequence[Cuboid], whole: Cuboid, leaves: Ints, moves: Moves) -> bool:
    """Whether the parts of an element along some dimension, each with its own change, explain more than the whole."""
    score = float(moves.moved.sum() ** 2 / (2.0 * max(float(moves.weighed.sum()), 1e-12))) - whole.cost
    cost = next((one.cost for one in cuboids if len(one.dimensions) == len(whole.dimensions) + 1), 0.0)
    for part in cuboids:
        if len(part.dimensions) == 1 and part.dimensions[0] not in whole.dimensions:
            parts = moves.evidence(part.keys[leaves], part.size) - cost
            if np.maximum(parts, 0.0).sum() > PARTS_GAIN * score:
                return True
    return False
