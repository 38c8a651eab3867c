"""Places: which combinations of dimension values an incident lives in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.root_cause.localize import Moves, Place, locate

FROM_NOTHING = 0.02  # of the largest value: what counts as due of leaves of which nothing was

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def find_places(index: HierarchyIndex, actual: Floats, due: Floats, variance: Floats, free: Bools | None = None) -> list[Place]:
    """Return the places whose leaves moved together, best first; arrays of shape (leaves,).

    ``free`` leaves out leaves whose deviation belongs elsewhere. A leaf of which nothing was due counts against a small size, so
    that one of many silent services is the cause of its own errors, not everything.
    """
    floor = FROM_NOTHING * float(np.abs(actual).max(initial=0))
    is_silent = (np.abs(actual) < 1e-9) & (np.abs(due) < 1e-9)
    value = np.where(is_silent, floor, actual)
    due = np.where(is_silent, floor, np.where(due >= 0, np.maximum(due, FROM_NOTHING * actual), due))
    moves = Moves.of(value, due, np.sqrt(np.maximum(variance, 1e-12)))
    if free is not None:
        moves = moves.without(np.flatnonzero(~free))
    return locate(index.cuboids, moves)


def node_of(index: HierarchyIndex, leaves: Bools) -> int:
    """Return the node that holds just these leaves, else the smallest that holds them all, else one of them."""
    counts = index.add_up(leaves.astype(np.float32)[:, np.newaxis])[:, 0]
    holds = np.flatnonzero(counts == leaves.sum())
    if not len(holds):
        return int(index.leaf_nodes[np.flatnonzero(leaves)[0]])
    return int(holds[np.argmin(index.sizes[holds])])


def nodes_of(index: HierarchyIndex, leaves: Bools) -> NDArray[np.int64]:
    """Return the nodes that hold any of some leaves."""
    return np.flatnonzero(index.add_up(leaves.astype(np.float32)[:, np.newaxis])[:, 0] > 0)


def dimensions_of(index: HierarchyIndex, node: int) -> tuple[int, ...]:
    """Return the dimensions that a node keeps."""
    return tuple(d for d, value in enumerate(index.nodes[node]) if value != ANY)
