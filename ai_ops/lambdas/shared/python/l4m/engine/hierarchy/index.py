"""The index of a hierarchy: the nodes, leaves and cuboids that evidence is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.cuboids import Cuboid, build_cuboids
from l4m.engine.hierarchy.rollups import ANY, LEAVES, Addition, Rollups, plan_additions
from l4m.engine.settings import Settings


@dataclass(frozen=True)
class HierarchyIndex:
    """What the columns of the evidence mean; it changes only when leaves appear."""

    settings: Settings
    nodes: Sequence[tuple[str, ...]]
    leaves: Sequence[tuple[str, ...]]
    leaf_nodes: NDArray[np.int64]  # node of each leaf
    members: NDArray[np.int64]  # node of each leaf in each cuboid of rollups, -1 where it has none
    kept: Sequence[tuple[int, ...]]  # dimensions that the nodes of each of these cuboids keep

    @classmethod
    def of(cls, settings: Settings, cube: Rollups) -> HierarchyIndex:
        """Return the index of a cube as it now is."""
        return cls(settings, tuple(cube.nodes), tuple(cube.leaves), np.array(cube.leaf_nodes, np.int64), cube.members, cube.cuboids)

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """Dimensions that each node keeps."""
        return np.array([sum(value != ANY for value in node) for node in self.nodes], np.int64)

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """Dimension values of each leaf as numbers, shape (leaves, dimensions)."""
        codes = np.zeros((len(self.leaves), len(self.settings.dimensions)), np.int64)
        for d, names in enumerate(self.values):
            numbers = {name: number for number, name in enumerate(names)}
            codes[:, d] = [numbers[leaf[d]] for leaf in self.leaves]
        return codes

    @cached_property
    def values(self) -> list[list[str]]:
        """Values of each dimension, in the order of their numbers."""
        return [list(dict.fromkeys(leaf[d] for leaf in self.leaves)) for d in range(len(self.settings.dimensions))]

    @cached_property
    def cuboids(self) -> list[Cuboid]:
        """Every set of dimensions, with the element of each leaf."""
        return build_cuboids(self.codes)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of leaves of each node."""
        return self.count_leaves(np.ones(len(self.leaves)))

    def count_leaves(self, picked: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many picked leaves (1, else 0) each node holds."""
        counts = np.zeros(len(self.nodes))
        counts[self.leaf_nodes] = picked
        for nodes in self.members:
            counts += np.bincount(nodes[nodes >= 0], picked[nodes >= 0], len(self.nodes))
        return counts.astype(np.int64)

    @cached_property
    def _additions(self) -> list[Addition]:
        return list(plan_additions(self.kept, self.members))

    @cached_property
    def _sources(self) -> NDArray[np.intp] | None:
        """The leaf of each node, of rollups any: to take from there is quicker than to put; None if nodes are leaves, in their order."""
        if np.array_equal(self.leaf_nodes, np.arange(len(self.nodes))):
            return None
        sources = np.zeros(len(self.nodes), np.intp)
        sources[self.leaf_nodes] = np.arange(len(self.leaves))
        return sources

    def add_up(self, parts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sums over the leaves of every node, shape (nodes, columns), of parts of shape (leaves, columns)."""
        sums = parts.copy() if self._sources is None else np.take(parts, self._sources, axis=0)
        for column in range(parts.shape[1]):
            of = {LEAVES: np.ascontiguousarray(parts[:, column])}
            for one in self._additions:
                of[one.cuboid] = np.add.reduceat(of[one.source][one.order], one.starts)
                sums[one.numbers, column] = of[one.cuboid]
        return sums

    def cover(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the leaves that nodes hold, leaves themselves included."""
        picked = np.zeros(len(self.nodes) + 1, bool)  # the last stands for "has none"
        picked[nodes] = True
        return np.flatnonzero(picked[self.leaf_nodes] | picked[self.members].any(axis=0))

    @cached_property
    def numbers(self) -> dict[tuple[str, ...], int]:
        """Number of each node by its name."""
        return {node: number for number, node in enumerate(self.nodes)}

    def name_place(self, dimensions: Sequence[int], leaf: int) -> dict[str, str]:
        """Return the dimension values that a place shares with one of its leaves."""
        return {self.settings.dimensions[d]: self.leaves[leaf][d] for d in dimensions}

    def name_node(self, node: int) -> dict[str, str]:
        """Return the dimension values that a node keeps."""
        return {name: value for name, value in zip(self.settings.dimensions, self.nodes[node], strict=True) if value != ANY}
