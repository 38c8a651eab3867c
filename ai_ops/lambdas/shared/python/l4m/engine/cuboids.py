"""Cuboids: the sets of dimensions over which leaves can be added up, and the element of each leaf in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

BASE_COST = 4.0  # log odds against any cause at all
MOST_CUBOIDS = 260  # with more dimensions, the finer levels are left out, except the leaves


@dataclass(frozen=True)
class Cuboid:
    """All elements of one set of dimensions: the element of each leaf, their number, and what it costs to name one."""

    dimensions: tuple[int, ...]
    keys: NDArray[np.int64]
    size: int
    cost: float


def build_cuboids(codes: NDArray[np.integer]) -> list[Cuboid]:
    """Return every cuboid of the leaves, the total first; ``codes`` has shape (leaves, dimensions).

    The cost of an element is the length of its description: which cuboid of its level, and which element of it.
    """
    count, dimensions = codes.shape
    columns = np.ascontiguousarray(codes.T, dtype=np.int64)
    cards = columns.max(1, initial=0) + 1
    built: dict[tuple[int, ...], tuple[NDArray[np.int64], int]] = {(): (np.zeros(count, np.int64), 1)}
    cuboids: list[Cuboid] = []
    for level in range(dimensions + 1):
        layers = list(combinations(range(dimensions), level))
        if len(cuboids) + len(layers) > MOST_CUBOIDS and level < dimensions:
            continue
        for dims in layers:
            for depth in range(1, level + 1):
                if dims[:depth] not in built:
                    built[dims[:depth]] = _split(*built[dims[: depth - 1]], columns[dims[depth - 1]], int(cards[dims[depth - 1]]))
            keys, size = built[dims]
            cuboids.append(Cuboid(dims, keys, size, BASE_COST + float(np.log(max(1, min(size, count))) + np.log(len(layers)))))
    return cuboids


def _split(keys: NDArray[np.int64], size: int, column: NDArray[np.int64], card: int) -> tuple[NDArray[np.int64], int]:
    """Return the elements of one more dimension, numbered without large gaps."""
    keys, size = keys * card + column, size * card
    if size > 4 * len(keys) + 64:
        unique, keys = np.unique(keys, return_inverse=True)
        size = len(unique)
    return keys, size
