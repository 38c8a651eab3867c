"""A stretch of data: measures x intervals x leaf series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Block:
    """Consecutive intervals of all measures.

    Attributes
    ----------
    start : int
        Epoch seconds of the first interval's begin.
    values : float32 array, shape (measures, intervals, leaves)
        Aggregated values; NaN where no row arrived.
    leaves : sequence of tuples of str
        The dimension values of each column, in the order of ``Settings.dimensions``; any order, new ones allowed.
    weights : float32 array of the shape of values, or None
        What each value of an average weighs in a rollup, such as what a ratio was divided by; None: all alike.
    """

    start: int
    values: NDArray[np.float32]
    leaves: Sequence[tuple[str, ...]]
    weights: NDArray[np.float32] | None = None

    def part(self, start: int, first: int, last: int) -> Block:
        """Return some of the intervals, the first of which begins at ``start``."""
        weights = None if self.weights is None else self.weights[:, first:last]
        return Block(start, self.values[:, first:last], self.leaves, weights)
