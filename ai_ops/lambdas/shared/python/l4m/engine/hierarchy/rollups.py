"""Nodes of the cube: leaf series and a bounded number of rollups (total, one and two dimensions), each a series of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.model import Aggregation

ANY = "*"  # what a rolled-up dimension holds
DEEPEST = 2  # dimensions a rollup keeps
CUBOID_NODES = 1_024  # rollups of one set of dimensions; when it is full, later values have none
ALL_NODES = 8_192  # rollups in all

LEAVES = -1  # instead of a cuboid: the leaves themselves

Ints = NDArray[np.intp]
Counts = NDArray[np.int32] | NDArray[np.float32]


@dataclass(frozen=True)
class Addition:
    """How the nodes of a cuboid follow from a finer one: its nodes in the order of their sums, where each sum begins, and whose it is."""

    cuboid: int
    source: int
    order: Ints
    starts: Ints
    numbers: Ints


class Rollups:
    """Names and members of the nodes, in the order in which they appeared; a node never changes its number.

    Parameters
    ----------
    dimensions : int
        Number of dimensions of a leaf.
    enabled : bool
        Whether there are rollups beside the leaves.

    Examples
    --------
    >>> cube = Rollups(2, enabled=True)
    >>> cube.add([("US", "web"), ("US", "tv")])
    >>> cube.nodes
    [('*', '*'), ('US', '*'), ('*', 'web'), ('US', 'web'), ('*', 'tv'), ('US', 'tv')]
    >>> cube.combine(np.array([[1.0, 2.0]], np.float32), Aggregation.SUM).tolist()
    [[3.0, 3.0, 1.0, 1.0, 2.0, 2.0]]
    """

    def __init__(self, dimensions: int, enabled: bool) -> None:
        levels = range(min(DEEPEST, dimensions - 1) + 1) if enabled and dimensions else ()
        self.cuboids = [dims for level in levels for dims in combinations(range(dimensions), level)]
        self.nodes: list[tuple[str, ...]] = []
        self.leaves: list[tuple[str, ...]] = []
        self.leaf_nodes: list[int] = []  # node of each leaf
        self._number: dict[tuple[str, ...], int] = {}
        self._sizes = [0] * len(self.cuboids)
        self._members: list[list[int]] = [[] for _ in self.cuboids]  # per cuboid: node of each leaf, or -1
        self._additions: list[Addition] | None = None

    @property
    def members(self) -> NDArray[np.int64]:
        """Node of each leaf in each cuboid, -1 where it has none; shape (cuboids, leaves)."""
        return np.array(self._members, np.int64).reshape(len(self.cuboids), len(self.leaves))

    def find(self, leaf: tuple[str, ...]) -> int | None:
        """Return the node of a leaf, or None if it has not been seen."""
        return self._number.get(leaf)

    def add(self, leaves: Iterable[tuple[str, ...]]) -> None:
        """Add leaves, and the rollups they bring, in the order given."""
        getters = [itemgetter(*dims) if dims else itemgetter(slice(0)) for dims in self.cuboids]
        known: list[dict[Any, int]] = [{} for _ in getters]  # node of each combination of values
        cuboids = list(zip(range(len(getters)), getters, known, self._members, strict=True))
        for leaf in leaves:
            for at, get, nodes, members in cuboids:
                values = get(leaf)
                if values not in nodes:
                    nodes[values] = self._rollup(at, tuple(value if d in self.cuboids[at] else ANY for d, value in enumerate(leaf)))
                members.append(nodes[values])
            self.leaf_nodes.append(self._append(leaf))
            self.leaves.append(leaf)
        self._additions = None
        self.__dict__.pop("_sources", None)

    @cached_property
    def _sources(self) -> Ints:
        """The leaf of each node, of rollups any: to take values from there is much quicker than to put them where they belong."""
        sources = np.zeros(len(self.nodes), np.intp)
        sources[self.leaf_nodes] = np.arange(len(self.leaves))
        return sources

    def _rollup(self, cuboid: int, name: tuple[str, ...]) -> int:
        """Return the node of a rollup, a new one while there is room, else -1."""
        if name in self._number:
            return self._number[name]
        if self._sizes[cuboid] >= CUBOID_NODES or sum(self._sizes) >= ALL_NODES:
            return -1
        self._sizes[cuboid] += 1
        return self._append(name)

    def _append(self, name: tuple[str, ...]) -> int:
        self._number[name] = len(self.nodes)
        self.nodes.append(name)
        return self._number[name]

    def combine(
        self, values: NDArray[np.float32], aggregation: Aggregation, weights: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the values of all nodes, shape (intervals, nodes), from those of the leaves, shape (intervals, leaves).

        A sum is taken over the leaves that reported; an average is the mean of the leaves' averages by their weights, which are
        all alike where none are known. A node is NaN where none of its leaves reported.
        """
        nodes = np.take(values, self._sources, axis=1)
        for numbers, total, count in self.add_up(values, aggregation, weights):
            nodes[:, numbers] = mean_of(total, count, aggregation)
        return nodes

    def add_up(
        self, values: NDArray[np.float32], aggregation: Aggregation, weights: NDArray[np.float32] | None = None
    ) -> Iterator[tuple[Ints, NDArray[np.float32], Counts]]:
        """Yield nodes of rollups with the sums and the counts (of an average: the weights) of their leaves, a cuboid at a time."""
        if self._additions is None:
            self._additions = list(plan_additions(self.cuboids, self.members))
        total, count = _terms(values, weights if aggregation is Aggregation.AVG else None)
        sums, counts = {LEAVES: total}, {LEAVES: count}
        for one in self._additions:
            total, count = (np.add.reduceat(np.take(terms[one.source], one.order, axis=1), one.starts, axis=1) for terms in (sums, counts))
            sums[one.cuboid], counts[one.cuboid] = total, count
            yield one.numbers, total, count

    def part(self, leaves: Sequence[int]) -> Rollups:
        """Return the cube with some of the leaves, by number; nodes keep their numbers."""
        part = Rollups(0, enabled=False)
        part.cuboids, part.nodes, part._sizes = self.cuboids, self.nodes, self._sizes
        part.leaves = [self.leaves[leaf] for leaf in leaves]
        part.leaf_nodes = [self.leaf_nodes[leaf] for leaf in leaves]
        part._members = [[members[leaf] for leaf in leaves] for members in self._members]
        return part


def plan_additions(cuboids: Sequence[tuple[int, ...]], members: NDArray[np.int64]) -> Iterator[Addition]:
    """Yield what to add up, finest cuboids first: each from the smallest finer one that holds all leaves, else from the leaves.

    ``cuboids`` are the dimensions that the nodes of each keep, ``members`` has the shape (cuboids, leaves), -1 for none.
    """
    done, sizes, leaves = [LEAVES], {LEAVES: members.shape[1]}, np.arange(members.shape[1])
    firsts = {LEAVES: leaves}  # a leaf of every node of what is done
    for at in reversed(range(len(cuboids))):
        finer = (one for one in done if one == LEAVES or (set(cuboids[at]) < set(cuboids[one]) and members[one].min() >= 0))
        source = min(finer, key=lambda one: sizes[one])
        nodes = members[at][firsts[source]]
        order = np.argsort(nodes, kind="stable")
        order = order[nodes[order] >= 0]
        if len(order):
            numbers, starts = np.unique(nodes[order], return_index=True)
            found, first = np.unique(members[at], return_index=True)
            firsts[at], sizes[at] = first[found >= 0], len(numbers)
            done.append(at)
            yield Addition(at, source, order, starts, numbers)


def mean_of(total: NDArray[np.float32], count: Counts, aggregation: Aggregation) -> NDArray[np.float32]:
    """Return what a node is worth whose leaves add up to a sum and a count; NaN where none reported."""
    mean = total / np.where(count > 0, count, 1) if aggregation is Aggregation.AVG else total
    return np.asarray(np.where(count > 0, mean, np.float32(np.nan)), np.float32)


def _terms(values: NDArray[np.float32], weights: NDArray[np.float32] | None) -> tuple[NDArray[np.float32], Counts]:
    """Return what each leaf adds to the sum and to the count of a node."""
    absent = np.isnan(values)
    has_gaps = bool(absent.any())
    filled = np.where(absent, np.float32(0), values) if has_gaps else values
    if weights is None:
        return filled, (~absent if has_gaps else np.ones((1, values.shape[1]))).astype(np.int32)
    share = np.where(absent, np.float32(0), weights)
    return filled * share, share
