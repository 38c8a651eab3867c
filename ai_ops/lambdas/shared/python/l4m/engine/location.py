"""Where an incident lives: which combinations of dimension values moved, judged with the known error of every leaf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.cuboids import Cuboid, build_cuboids

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_SIGMAS = 10.0  # a single leaf counts no more than this, however wrong its error is
MAXIMUM_CAUSES = 5
LEAST_SHARE = 0.1  # of the first cause's evidence; less is left to noise


@dataclass(frozen=True)
class Place:
    """A combination of dimension values, its leaves, and the log likelihood ratio of its moving less the cost of naming it."""

    dimensions: tuple[int, ...]
    leaves: Ints
    evidence: float


def locate(codes: Ints, actual: Floats, expected: Floats, error: Floats) -> list[Place]:
    """Return the places whose leaves changed by a common factor, best first.

    Parameters
    ----------
    codes : int array, shape (leaves, dimensions)
    actual, expected, error : float arrays, shape (leaves,)
        Sums over the incident's intervals, and the standard error of the expected one.

    Notes
    -----
    Under a common change r, actual = (1 + r) expected. With Gaussian errors the log likelihood ratio of its best r is
    (sum w d)^2 / (2 sum w f), with d the deviation, f the expected value and w = f / error^2 (weighted least squares); two
    sums per cuboid give it for all elements at once. An element that its parts along one dimension explain better is passed
    over; the best one is taken, its leaves are set aside, and so on.
    """
    deviation = actual - expected
    error = np.maximum(np.maximum(error, np.abs(deviation) / MOST_SIGMAS), 1e-12)
    size = np.maximum(np.abs(expected), 1e-12)
    moved, weighed = np.sign(expected + 1e-300) * size / error**2 * deviation, size**2 / error**2
    cuboids = build_cuboids(codes)
    alive = np.ones(len(codes), bool)
    places: list[Place] = []
    while len(places) < MAXIMUM_CAUSES:
        best = _find_best(cuboids, np.where(alive, moved, 0.0), np.where(alive, weighed, 0.0), alive)
        if best is None or (places and best.evidence < LEAST_SHARE * places[0].evidence):
            break
        places.append(best)
        alive[best.leaves] = False
    return places


def _evidence(keys: Ints, size: int, moved: Floats, weighed: Floats) -> Floats:
    """Return the log likelihood ratio of every element of a cuboid."""
    return np.asarray(np.bincount(keys, moved, size) ** 2 / (2.0 * np.maximum(np.bincount(keys, weighed, size), 1e-12)))


def _find_best(cuboids: Sequence[Cuboid], moved: Floats, weighed: Floats, alive: NDArray[np.bool_]) -> Place | None:
    """Return the element with the most evidence that is not better explained by its parts."""
    scores = [_evidence(one.keys, one.size, moved, weighed) - one.cost for one in cuboids]
    flat = np.concatenate(scores)
    owners = np.repeat(np.arange(len(cuboids)), [len(score) for score in scores])
    offsets = np.cumsum([0, *(len(score) for score in scores)])
    for at in np.argsort(-flat, kind="stable"):
        if flat[at] <= 0.0:
            return None
        cuboid = cuboids[owners[at]]
        leaves = np.flatnonzero((cuboid.keys == at - offsets[owners[at]]) & alive)
        if not _has_better_parts(cuboids, cuboid, leaves, moved, weighed, float(flat[at])):
            return Place(cuboid.dimensions, leaves, float(flat[at]))
    return None


def _has_better_parts(cuboids: Sequence[Cuboid], cuboid: Cuboid, leaves: Ints, moved: Floats, weighed: Floats, score: float) -> bool:
    """Whether the parts of an element along some dimension, each with its own change, explain more than the whole."""
    level = len(cuboid.dimensions)
    cost = next((one.cost for one in cuboids if len(one.dimensions) == level + 1), 0.0)
    for part in cuboids:
        if len(part.dimensions) == 1 and part.dimensions[0] not in cuboid.dimensions:
            parts = _evidence(part.keys[leaves], part.size, moved[leaves], weighed[leaves]) - cost
            if np.maximum(parts, 0.0).sum() > score:
                return True
    return False
