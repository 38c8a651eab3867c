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
    """

    start: int
    values: NDArray[np.float32]
    leaves: Sequence[tuple[str, ...]]
