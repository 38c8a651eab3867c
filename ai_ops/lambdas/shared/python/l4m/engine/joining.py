"""Learning in shards: some leaf series by themselves, what they add to the rollups, and one monitor made of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.days import Days
from l4m.engine.detector import Detector
from l4m.engine.evidence import weigh
from l4m.engine.facts import FactFinder
from l4m.engine.memory import Array, Memory, put_under
from l4m.engine.monitor import Monitor
from l4m.engine.rollups import ANY, Rollups, mean_of
from l4m.engine.seasons import Seasons
from l4m.engine.settings import Settings

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Sums:
    """What some leaves add to the rollups of a stretch; arrays of shape (measures, intervals, rollups)."""

    totals: Array
    counts: NDArray[np.int32]

    @classmethod
    def of(cls, parts: Iterable[Sums]) -> Sums:
        """Return what several shards, at least one, add together."""
        first, *others = parts
        totals, counts = first.totals.astype(np.float64), first.counts.copy()
        for part in others:
            totals += part.totals
            counts += part.counts
        return cls(totals.astype(np.float32), counts)


class Nodes:
    """The nodes of a metric set whose leaves are all known, and which of them are rollups.

    Parameters
    ----------
    settings : Settings
        What the user chose.
    leaves : sequence of tuples of str
        Every leaf, in the order of its first value, then of its name: the order in which a monitor meets them.
    """

    def __init__(self, settings: Settings, leaves: Sequence[tuple[str, ...]]) -> None:
        self.settings, self.leaves = settings, leaves
        self.cube = Rollups(len(settings.dimensions), settings.rollups)
        self.cube.add(leaves)
        self.leaf_nodes: Ints = np.array(self.cube.leaf_nodes, np.int64)
        self.rollups: Ints = np.delete(np.arange(len(self.cube.nodes)), self.leaf_nodes)

    def spread(self, values: Array, sums: Sums) -> Array:
        """Return the values of all nodes, shape (measures, intervals, nodes), from those of the leaves and the sums of the rollups."""
        nodes = np.empty((*values.shape[:2], len(self.cube.nodes)), np.float32)
        nodes[:, :, self.leaf_nodes] = values
        nodes[:, :, self.rollups] = self.values_of(sums)
        return nodes

    def values_of(self, sums: Sums) -> Array:
        """Return the values of the rollups, shape (measures, intervals, rollups)."""
        terms = zip(sums.totals, sums.counts, self.settings.measures, strict=True)
        return np.stack([mean_of(total, count, measure.aggregation) for total, count, measure in terms])


class Shard:
    """Some of the leaves, learning by themselves: a leaf's detector knows of no other.

    Parameters
    ----------
    nodes : Nodes
        All leaves.
    columns : int array
        The numbers of those of the shard.
    """

    def __init__(self, nodes: Nodes, columns: Ints) -> None:
        measures = nodes.settings.measures
        self._nodes, self._part = nodes, nodes.cube.part(columns.tolist())
        self._detector = Detector(nodes.settings, len(columns) * len(measures))
        self._finder = FactFinder(measures)

    def observe(self, values: Array, start: int) -> Sums:
        """Learn the next intervals, values of shape (measures, intervals, leaves of the shard); return what they add to the rollups."""
        self._detector.run(_side_by_side(values), start)
        self._finder.observe(values)
        shape = (*values.shape[:2], len(self._nodes.rollups))
        sums = Sums(np.zeros(shape, np.float32), np.zeros(shape, np.int32))
        for number, measure in enumerate(self._nodes.settings.measures):
            for nodes, total, count in self._part.add_up(values[number], measure.aggregation):
                at = np.searchsorted(self._nodes.rollups, nodes)
                sums.totals[number][:, at], sums.counts[number][:, at] = total, count
        return sums

    def learned(self) -> tuple[dict[str, Array], list[list[bool]]]:
        """Return what the detector learned, by name, and which facts hold."""
        return self._detector.to_arrays(), self._finder.to_document()


class Joint:
    """Puts a monitor together: every shard once, in any order, and the sums of all of them stretch by stretch."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._measures = len(nodes.settings.measures)
        self._memory = Memory.blank(Seasons(nodes.settings).rows, len(nodes.cube.nodes) * self._measures)
        self._rollups = Detector(nodes.settings, len(nodes.rollups) * self._measures)
        self._depths = np.array([sum(value != ANY for value in nodes.cube.nodes[node]) for node in nodes.rollups], np.int64)
        self._days, self._finder, self._end = Days(nodes.settings), FactFinder(nodes.settings.measures), 0
        self._facts = np.ones((2, self._measures), np.bool_)

    def take(self, columns: Ints, learned: dict[str, Array], facts: Sequence[Sequence[bool]]) -> None:
        """Take over what a shard of the leaves in ``columns`` learned."""
        self._place(self._nodes.leaf_nodes[columns], learned)
        self._facts &= np.array(facts, np.bool_)

    def learn(self, sums: Sums, start: int) -> None:
        """Let the rollups learn the next intervals."""
        settings, values = self._nodes.settings, self._nodes.values_of(sums)
        scores, facts = self._rollups.run(_side_by_side(values), start), self._finder.observe(values)
        turns = np.zeros(values.shape[1], np.bool_)  # nothing is told
        seen = weigh(np.moveaxis(values, 0, 2), scores, depths=self._depths, turns=turns, facts=facts, settings=settings)
        for stretch, is_end in self._days.split(start, values.shape[1]):
            self._days.observe(self._depths, seen.part(stretch), start + stretch.start * settings.interval_seconds, is_end)
        self._end = start + values.shape[1] * settings.interval_seconds

    def monitor(self, observed: int) -> Monitor:
        """Return the monitor, after so many intervals with data; of the day that goes on, it does not know what leaves added to it."""
        self._place(self._nodes.rollups, self._rollups.to_arrays())
        self._days.turn(self._end)
        learned = put_under("detector.", self._memory.arrays()) | put_under("days.", self._days.to_arrays())
        return Monitor.of(self._nodes.settings, self._nodes.leaves, learned, self._facts.tolist(), observed)

    def _place(self, nodes: Ints, learned: dict[str, Array]) -> None:
        """Write the series of some nodes to their places: all measures of a node side by side."""
        series = (nodes[:, np.newaxis] * self._measures + np.arange(self._measures)).ravel()
        for name, array in self._memory.arrays().items():
            array[:, series] = learned[name]


def _side_by_side(values: Array) -> Array:
    """Return values of shape (measures, intervals, nodes) as the detector takes them: intervals, and every node's measures in turn."""
    return np.ascontiguousarray(np.moveaxis(values, 0, 2)).reshape(values.shape[1], -1)
