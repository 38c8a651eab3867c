"""Searching the elements of all cuboids for the one that explains most, without scoring all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.cuboids import Cuboid
from l4m.engine.deviations import OUTLIERS, Floats, Ints

Table = NDArray[np.float32]  # log likelihood ratio of every cell, shape (hypotheses, cells): first drops, then rises


@dataclass(frozen=True)
class Element:
    """A combination of dimension values: positions of its dimensions, its codes, its leaves and its log likelihood ratio less cost."""

    dimensions: tuple[int, ...]
    codes: tuple[int, ...]
    leaves: Ints
    score: float


class Search:
    """Best-first search: each element has a bound, the sum of what its leaves could add at best, per direction.

    Parameters
    ----------
    cuboids : sequence of Cuboid
    cells : int array, shape (leaves,)
        Column of the table that each leaf falls into.
    table : float32 array, shape (hypotheses, cells)
    """

    def __init__(self, cuboids: Sequence[Cuboid], cells: Ints, table: Table) -> None:
        half = len(table) // 2
        self._cuboids, self._cells, self._table = cuboids, cells, table
        self._weights = np.maximum(np.stack([table[:half].max(0), table[half:].max(0)]).astype(np.float64), np.log(OUTLIERS))[:, cells]
        self._alive = np.ones(len(cells), bool)
        self._offsets = np.cumsum([0, *(one.size for one in cuboids)])
        self._costs = np.repeat([one.cost for one in cuboids], [one.size for one in cuboids])
        bounds = [np.stack([np.bincount(one.keys, side, one.size) for side in self._weights]) for one in cuboids]
        self._bounds = np.concatenate(bounds, axis=1)
        self._scores = np.full(self._offsets[-1], np.nan)  # exact ones, where they are known
        self._score_leaves()

    def _score_leaves(self) -> None:
        """Leaves need no search: the bound of a single leaf is its score."""
        self._scores[self._offsets[-2] :] = self._bounds[:, self._offsets[-2] :].max(axis=0) - self._costs[self._offsets[-2] :]

    def set_aside(self, leaves: Ints) -> None:
        """Take leaves out of the search."""
        self._alive[leaves] = False
        for one, offset in zip(self._cuboids, self._offsets[:-1], strict=True):
            keys = one.keys[leaves]
            touched, place = np.unique(keys, return_inverse=True)
            self._bounds[:, touched + offset] -= [np.bincount(place, side[leaves]) for side in self._weights]
            self._scores[touched + offset] = np.nan
        self._score_leaves()

    def find_best(self) -> Element | None:
        """Score elements in the order of their bounds until none left can beat the best; one that its parts explain better is out."""
        bounds = np.fmin(self._bounds.max(axis=0) - self._costs, self._scores)
        candidates = np.flatnonzero(bounds > 0.0)
        best, winner = 0.0, -1
        for at in candidates[np.argsort(-bounds[candidates], kind="stable")].tolist():
            if bounds[at] <= best:
                break
            if np.isnan(self._scores[at]):
                self._scores[at] = self._score(at)
                if self._scores[at] > best and self._has_better_parts(at):
                    self._scores[at] = 0.0
            if self._scores[at] > best:
                best, winner = float(self._scores[at]), at
        if winner < 0:
            return None
        cuboid, leaves = self._find(winner)
        return Element(cuboid.dimensions, (), leaves, best)

    def _find(self, at: int) -> tuple[Cuboid, Ints]:
        """Return the cuboid of an element and its leaves that are left."""
        owner = int(np.searchsorted(self._offsets, at, side="right")) - 1
        cuboid = self._cuboids[owner]
        return cuboid, np.flatnonzero((cuboid.keys == at - self._offsets[owner]) & self._alive)

    def _score(self, at: int) -> float:
        """Return an element's log likelihood ratio under its best hypothesis, less its cost."""
        cuboid, leaves = self._find(at)
        counts = np.bincount(self._cells[leaves], minlength=self._table.shape[1]).astype(np.float32)
        return float((self._table @ counts).max()) - cuboid.cost

    def _has_better_parts(self, at: int) -> bool:
        """Whether the parts of an element along some dimension, each under its own hypothesis, explain more than the whole."""
        cuboid, leaves = self._find(at)
        used, cells = np.unique(self._cells[leaves], return_inverse=True)
        table, width = self._table[:, used], len(used)
        cost = next((one.cost for one in self._cuboids if len(one.dimensions) == len(cuboid.dimensions) + 1), 0.0)
        for part in self._cuboids:
            if len(part.dimensions) == 1 and part.dimensions[0] not in cuboid.dimensions:
                counts = np.bincount(part.keys[leaves] * width + cells, minlength=part.size * width).reshape(part.size, width)
                scores: Floats = (counts.astype(np.float32) @ table.T).max(axis=1) - cost
                if np.maximum(scores, 0.0).sum() > self._scores[at]:
                    return True
        return False
