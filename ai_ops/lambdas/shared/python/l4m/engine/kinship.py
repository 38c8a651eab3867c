"""Kin: the series beside which another one has always stood in a steady ratio."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.model import Aggregation

MOST_ROLLUPS, MOST_LEAVES = 1_024, 1_024  # that are looked at beside their kin, the first to appear
MOST_MEASURES = 4  # other measures that a measure is held against

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Kinship:
    """Who stands beside whom; a cell is a measure of a node, cells of a measure side by side.

    Attributes
    ----------
    nodes : int array, shape (nodes,)
        The nodes that are looked at; later ones are only ever appended.
    measures : int array, shape (measures,)
        The measures that are sums; others have no parts that add up.
    own : int array, shape (cells,)
        Measure and node of each cell, as one number: measure x all nodes + node.
    kin : int array, shape (kin, cells)
        The same of each kin; -1 for none.
    parents : int
        So many rows of ``kin`` are nodes that keep one dimension fewer; the others are other measures of the same node.
    """

    nodes: Ints
    measures: Ints
    own: Ints
    kin: Ints
    parents: int

    @classmethod
    def of(cls, scene: HierarchyIndex) -> Kinship:
        """Return the kinship of a scene."""
        measures = np.array([at for at, one in enumerate(scene.settings.measures) if one.aggregation is Aggregation.SUM], np.int64)
        is_leaf = np.zeros(len(scene.nodes), np.bool_)
        is_leaf[scene.leaf_nodes] = True
        is_near = np.where(is_leaf, np.cumsum(is_leaf) <= MOST_LEAVES, np.cumsum(~is_leaf) <= MOST_ROLLUPS)
        nodes = np.flatnonzero(is_near & (scene.depths > 0))
        found, dimensions = [_parents(scene, node) for node in nodes.tolist()], len(scene.settings.dimensions)
        parents = np.array(found, np.int64).reshape(len(nodes), dimensions).T
        rows = [[np.where(row >= 0, measure * len(scene.nodes) + row, -1) for measure in measures] for row in parents]
        for step in range(1, min(len(measures), MOST_MEASURES + 1)):
            rows.append([other * len(scene.nodes) + nodes for other in np.roll(measures, -step)])
        own = (measures[:, np.newaxis] * len(scene.nodes) + nodes).ravel()
        return cls(nodes, measures, own, np.array(rows, np.int64).reshape(len(rows), len(own)), len(parents))

    @cached_property
    def is_empty(self) -> bool:
        """Whether nobody has any kin."""
        return not (self.kin >= 0).any()

    @property
    def kinds(self) -> int:
        """Number of kinds of kin: parents, and other measures if there are any."""
        return 1 + (len(self.kin) > self.parents)


def _parents(scene: HierarchyIndex, node: int) -> list[int]:
    """Return, for each dimension, the node that keeps all the others of a node's dimensions, -1 where there is none."""
    name = scene.nodes[node]
    found = []
    for d, value in enumerate(name):
        parent = (*name[:d], ANY, *name[d + 1 :])
        found.append(scene.numbers.get(parent, -1) if value != ANY else -1)
    return found
