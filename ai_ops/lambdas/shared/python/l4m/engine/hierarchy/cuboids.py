"""Cuboids: the sets of dimensions over which leaves can be added up, and how each follows from a finer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

BASE_COST = 4.0  # log odds against any cause at all
MOST_CUBOIDS = 260  # with more dimensions, the finer levels are left out, except the leaves
SHORT = 2**16  # so many elements have numbers that numpy sorts by radix

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cuboid:
    """All elements of one set of dimensions, their number, and what it costs to name one.

    ``source`` is a finer cuboid; the finest has none: its elements are the leaves. A cuboid whose elements are all combinations of
    values, even those that do not occur, is a ``grid`` of so many values of each dimension; what follows from it is a grid, too.
    ``found`` holds ``parents`` that do not follow from a grid.
    """

    dimensions: tuple[int, ...]
    size: int
    cost: float
    source: Cuboid | None
    grid: tuple[int, ...] | None
    found: Ints | None = None

    @cached_property
    def parents(self) -> Ints:
        """The element that each element of the source belongs to; the finest's are the leaves themselves."""
        if self.found is not None:
            return self.found
        if self.source is None or self.source.grid is None:
            return np.arange(self.size)
        shape = [card if d in self.dimensions else 1 for d, card in zip(self.source.dimensions, self.source.grid, strict=True)]
        return np.broadcast_to(np.arange(self.size).reshape(shape), self.source.grid).ravel()

    def add_up(self, parts: Floats) -> Floats:
        """Return the sums of what the elements of the source hold; over a grid, several times as fast as over a list."""
        if self.source is None or self.source.grid is None:
            return np.asarray(np.bincount(self.parents, parts, self.size), np.float64)
        kept = [at for at, d in enumerate(self.source.dimensions) if d in self.dimensions]
        return np.asarray(np.einsum(parts.reshape(self.source.grid), range(len(self.source.grid)), kept)).ravel()  # type: ignore[arg-type]

    @cached_property
    def keys(self) -> Ints:
        """The element of each leaf."""
        return self.parents if self.source is None or self.source.source is None else self.parents[self.source.keys]

    def find_leaves(self, element: int) -> Ints:
        """Return the leaves of an element."""
        order, ends = self._sorted
        return order[ends[element] : ends[element + 1]]

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints]:
        """The leaves in the order of their elements, and where the ones of each element begin and end."""
        if self.source is None or self.source.source is None:
            return self._order, np.concatenate([[0], np.cumsum(np.bincount(self.parents, minlength=self.size))])
        (leaves, ends), order = self.source._sorted, self._order
        lengths = np.diff(ends)
        counts = self.add_up(lengths).astype(np.int64)
        return leaves[_runs(ends[order], lengths[order])], np.concatenate([[0], np.cumsum(counts)])

    @property
    def _order(self) -> Ints:
        """The elements of the source in the order of the elements here; over a grid, nothing has to be sorted."""
        if self.source is None or self.source.grid is None:
            return np.argsort(self.parents.astype(np.uint16) if self.size <= SHORT else self.parents, kind="stable")
        axes = np.argsort([d not in self.dimensions for d in self.source.dimensions], kind="stable")
        return np.arange(self.source.size).reshape(self.source.grid).transpose(axes.tolist()).ravel()


def build_cuboids(codes: NDArray[np.integer]) -> list[Cuboid]:
    """Return every cuboid of the leaves, the total first; ``codes`` has shape (leaves, dimensions), no row twice.

    The cost of an element is the length of its description: which cuboid of its level, and which element of it.
    """
    count, dimensions = codes.shape
    columns = np.ascontiguousarray(codes.T, dtype=np.int64)
    cards = [int(column.max(initial=0)) + 1 for column in columns]
    finest = Cuboid(tuple(range(dimensions)), count, _cost(count, 1), None, None)
    cuboids, samples = {finest.dimensions: finest}, {finest.dimensions: finest.parents}  # and one leaf of each element
    for dims in reversed(_choose(dimensions)):
        source = min((one for one in cuboids.values() if set(dims) < set(one.dimensions)), key=lambda one: one.size)
        grid, found = tuple(cards[d] for d in dims), None
        size = prod(grid)
        if source.grid is None:
            rows = slice(None) if source is finest else samples[source.dimensions]
            found, size = _number([columns[d][rows] for d in dims], len(samples[source.dimensions]))
            samples[dims] = np.zeros(size, np.int64)
            samples[dims][found] = samples[source.dimensions]
        cost = _cost(min(size, count), comb(dimensions, len(dims)))
        cuboids[dims] = Cuboid(dims, size, cost, source, grid if size == prod(grid) else None, found)
    return list(cuboids.values())[::-1]


def add_up(cuboids: Sequence[Cuboid], values: Floats, leaves: Ints | None = None) -> list[Floats]:
    """Return the sums of values over the elements of all cuboids but the finest; they are those of all leaves, or of the ones named."""
    rows = slice(None) if leaves is None else leaves
    sums: dict[Cuboid | None, Floats] = {}
    for one in reversed(cuboids):
        finer = sums.get(one.source)
        sums[one] = np.asarray(np.bincount(one.parents[rows], values, one.size), np.float64) if finer is None else one.add_up(finer)
    return list(sums.values())[::-1]


def find_elements(cuboids: Sequence[Cuboid], leaves: Ints) -> list[Ints]:
    """Return the element of each of some leaves, in all cuboids but the finest."""
    found: dict[Cuboid | None, Ints] = {}
    for one in reversed(cuboids):
        found[one] = one.parents[found.get(one.source, leaves)]
    return list(found.values())[::-1]


def _runs(starts: Ints, lengths: Ints) -> Ints:
    """Return the whole numbers from each start on, so many each."""
    return np.asarray(np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths))


def _choose(dimensions: int) -> list[tuple[int, ...]]:
    """Return the sets of dimensions that are looked at beside all of them, coarse ones first."""
    chosen: list[tuple[int, ...]] = []
    for level in range(dimensions):
        if len(chosen) + comb(dimensions, level) <= MOST_CUBOIDS:
            chosen += combinations(range(dimensions), level)
    return chosen


def _cost(elements: int, cuboids: int) -> float:
    return BASE_COST + float(np.log(max(1, elements)) + np.log(cuboids))


def _number(columns: Sequence[Ints], count: int) -> tuple[Ints, int]:
    """Return a number for each of ``count`` combinations of codes, without large gaps, and how many numbers there are."""
    keys, size = np.zeros(count, np.int64), 1
    for column in columns:
        card = int(column.max(initial=0)) + 1
        keys, size = keys * card + column, size * card
        if size > 4 * count + 64:
            unique, keys = np.unique(keys, return_inverse=True)
            size = len(unique)
    return keys, size
