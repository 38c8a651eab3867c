"""Searching the elements of all cuboids for the one that explains most, without scoring all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.cuboids import Cuboid, add_up, find_elements
from l4m.engine.root_cause.likelihood import OUTLIERS, Floats, Ints

BATCH = 8  # elements multiplied at a time; larger products are spread over threads, which costs more than it gains
FEW = 8  # times that what leaves belong to goes into all elements, for it to be quicker to list it than to add up all of them
MOST_SCORED = 128  # elements scored at a time: few enough for the cache

Table = NDArray[np.float32]  # log likelihood ratio of every cell, shape (hypotheses, cells): first drops, then rises


@dataclass(frozen=True)
class Element:
    """A combination of dimension values: positions of its dimensions, its codes, its leaves and its log likelihood ratio less cost."""

    dimensions: tuple[int, ...]
    codes: tuple[int, ...]
    leaves: Ints
    score: float


@dataclass(frozen=True)
class Side:
    """Drops, or rises: the hypotheses of one side, reduced to the cells that occur and that they tell apart.

    Attributes
    ----------
    table : float32 array, shape (cells, hypotheses)
        Its last row is of leaves set aside.
    columns : int array, shape (leaves,)
        Row of the table that each leaf falls into.
    weights : float array, shape (leaves,)
        What each leaf adds at best; 0 once it is set aside.
    """

    table: Table
    columns: Ints
    weights: Floats

    @classmethod
    def of(cls, half: Table, cells: Ints) -> Side:
        """Return the side of half of a table, shape (hypotheses, cells)."""
        occurs = np.bincount(cells, minlength=half.shape[1]) > 0
        is_flat = occurs & (half == half[0]).all(axis=0)  # the cells of the other side are all the same
        used = np.flatnonzero(occurs & ~is_flat)
        place = np.full(half.shape[1], len(used))
        place[used] = np.arange(len(used))
        used = np.r_[used, np.flatnonzero(is_flat)[:1]]
        best = np.maximum(half.max(axis=0).astype(np.float64), np.log(OUTLIERS))
        return cls(np.pad(half[:, used].T, ((0, 1), (0, 0))), place[cells], best[cells])

    def set_aside(self, leaves: Ints) -> None:
        """Let leaves add nothing from now on."""
        self.weights[leaves], self.columns[leaves] = 0.0, len(self.table) - 1

    def score(self, owners: Ints, leaves: Ints, count: int) -> Floats:
        """Return the log likelihood ratio of ``count`` elements under the best hypothesis of each; ``owners`` says whose each leaf is."""
        width, rows = len(self.table), -(-count // BATCH) * BATCH
        counts = np.bincount(owners * width + self.columns[leaves], minlength=rows * width)
        ratios = counts.astype(np.float32).reshape(-1, BATCH, width) @ self.table
        return np.asarray(ratios.max(axis=2).ravel()[:count])


class Search:
    """Best-first search: each element has a bound, the sum of what its leaves could add at best, per direction.

    Parameters
    ----------
    cuboids : sequence of Cuboid
        The finest comes last.
    cells : int array, shape (leaves,)
        Column of the table that each leaf falls into.
    table : float32 array, shape (hypotheses, cells)
    """

    def __init__(self, cuboids: Sequence[Cuboid], cells: Ints, table: Table) -> None:
        self._cuboids, self._finest = cuboids[:-1], cuboids[-1]
        self._sides = [Side.of(half, cells) for half in np.split(table, 2)]
        self._alive = np.ones(len(cells), bool)
        self._offsets = np.cumsum([0, *(one.size for one in self._cuboids)])
        self._count = int(self._offsets[-1])  # of elements
        self._costs = np.array([one.cost for one in self._cuboids])
        self._bounds = np.empty((len(self._sides), self._count))
        for bounds, side in zip(self._bounds, self._sides, strict=True):
            sums = add_up(self._cuboids, side.weights)
            np.concatenate([one - cost for one, cost in zip(sums, self._costs, strict=True)], out=bounds)
        self._scores, self._is_known = np.empty(self._bounds.shape), np.zeros(self._bounds.shape, bool)  # exact ones, few of all
        self._is_whole = np.zeros(self._count, bool)  # known not to be better explained by its parts

    def set_aside(self, leaves: Ints) -> None:
        """Take leaves out of the search."""
        self._alive[leaves] = False
        for at, side in enumerate(self._sides):
            lost = self._add_up(side.weights[leaves], leaves)
            is_untouched = lost == 0
            self._bounds[at] -= lost
            self._is_known[at] &= is_untouched
            self._is_whole &= is_untouched
            side.set_aside(leaves)

    def _add_up(self, weights: Floats, leaves: Ints) -> Floats:
        """Return the sums of some leaves' weights over all elements."""
        if len(leaves) * len(self._cuboids) * FEW > self._count:
            return np.concatenate(add_up(self._cuboids, weights, leaves))
        elements = np.add(find_elements(self._cuboids, leaves), self._offsets[:-1, np.newaxis])
        return np.asarray(np.bincount(elements.ravel(), np.tile(weights, len(self._cuboids)), self._count), np.float64)

    def find_best(self) -> Element | None:
        """Score elements in the order of their bounds until none left can beat the best; one that its parts explain better is out."""
        candidates, bounds = self._list_candidates()
        scores, is_known = self._scores.ravel(), self._is_known.ravel()  # views
        first, size, (best, found) = 0, BATCH, self._find_best_leaf()
        while first < len(candidates) and bounds[first] > best:
            batch = candidates[first : first + size]
            first, size = first + size, min(2 * size, MOST_SCORED)
            self._score(batch[~is_known[batch]])
            for at in batch[scores[batch] > best].tolist():
                if scores[at] > best and self._is_cause(at % self._count, float(scores[at])):
                    cuboid, leaves = self._find(at % self._count)
                    best, found = float(scores[at]), Element(cuboid.dimensions, (), leaves[self._alive[leaves]], float(scores[at]))
        return found

    def _list_candidates(self) -> tuple[Ints, NDArray[np.float32]]:
        """Return the elements of both sides that may explain something, numbered through, best bound first, and their bounds."""
        candidates = np.flatnonzero(self._bounds > 0.0)
        bounds, known = self._bounds.ravel()[candidates], np.flatnonzero(self._is_known.ravel()[candidates])
        bounds[known] = np.minimum(bounds[known], self._scores.ravel()[candidates[known]])
        rounded = bounds.astype(np.float32)
        candidates, rounded = candidates[rounded > 0], np.nextafter(rounded[rounded > 0], np.float32(np.inf))
        order = _sort_falling(rounded)
        return candidates[order], rounded[order]

    def _find_best_leaf(self) -> tuple[float, Element | None]:
        """Return the leaf that is best as a cause of its own, if any is: no search is needed, its bound is its score."""
        scores = np.maximum(*(side.weights for side in self._sides))
        leaf = int(scores.argmax())
        best = float(scores[leaf]) - self._finest.cost
        return (best, Element(self._finest.dimensions, (), np.array([leaf]), best)) if best > 0.0 else (0.0, None)

    def _find(self, at: int) -> tuple[Cuboid, Ints]:
        """Return the cuboid of an element and its leaves, those set aside included."""
        owner = int(np.searchsorted(self._offsets, at, side="right")) - 1
        return self._cuboids[owner], self._cuboids[owner].find_leaves(at - int(self._offsets[owner]))

    def _score(self, candidates: Ints) -> None:
        """Find the log likelihood ratio of elements on one side each, under the best hypothesis, less the cost."""
        for at, side in enumerate(self._sides):
            elements = candidates[candidates // self._count == at] % self._count
            if len(elements):
                cuboids = np.searchsorted(self._offsets, elements, side="right") - 1
                pairs = zip(cuboids.tolist(), (elements - self._offsets[cuboids]).tolist(), strict=True)
                leaves = [self._cuboids[cuboid].find_leaves(element) for cuboid, element in pairs]
                owners = np.repeat(np.arange(len(elements)), [len(one) for one in leaves])
                self._scores[at, elements] = side.score(owners, np.concatenate(leaves), len(elements)) - self._costs[cuboids]
                self._is_known[at, elements] = True

    def _is_cause(self, at: int, score: float) -> bool:
        """Whether an element is one cause; if its parts explain more, it is out."""
        if not self._is_whole[at] and self._has_better_parts(at, score):
            self._scores[:, at], self._is_known[:, at] = 0.0, True
            return False
        self._is_whole[at] = True
        return True

    def _has_better_parts(self, at: int, score: float) -> bool:
        """Whether the parts of an element along some dimension, each under its own hypothesis, explain more than the whole."""
        cuboid, leaves = self._find(at)
        leaves = leaves[self._alive[leaves]]
        everything = [*self._cuboids, self._finest]
        cost = next((one.cost for one in everything if len(one.dimensions) == len(cuboid.dimensions) + 1), 0.0)
        for part in everything:
            if len(part.dimensions) == 1 and part.dimensions[0] not in cuboid.dimensions:
                scores = np.maximum(*(side.score(part.keys[leaves], leaves, part.size) for side in self._sides)) - cost
                if np.maximum(scores, 0.0).sum() > score:
                    return True
        return False


def _sort_falling(numbers: NDArray[np.float32]) -> Ints:
    """Return the order of positive numbers, largest first, equal ones as they come; several times as fast as a stable argsort.

    The bits of positive floats rise as the floats do, so that bits and place make one whole number.
    """
    bits = np.uint32(1 << 31) - numbers.view(np.uint32)
    keys = np.sort(bits.astype(np.uint64) << np.uint64(32) | np.arange(len(numbers), dtype=np.uint64))
    return (keys & np.uint64(2**32 - 1)).astype(np.int64)
