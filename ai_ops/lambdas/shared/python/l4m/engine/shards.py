"""Learning in shards: some leaf series by themselves, what they add to the rollups, and one monitor made of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.beside import Beside
from l4m.engine.days import Days
from l4m.engine.detection.detector import Detector
from l4m.engine.detection.state import Array, DetectorState, put_under
from l4m.engine.evidence import weigh
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.measure_traits import MeasureTraits, TraitFinder
from l4m.engine.hierarchy.rollups import Rollups, mean_of
from l4m.engine.kinship import MOST_LEAVES
from l4m.engine.monitor import Monitor
from l4m.engine.precedents import Precedents
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.settings import Settings

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sums:
    """What some leaves tell of a stretch.

    Attributes
    ----------
    totals, counts : what they add to the rollups, shape (measures, intervals, rollups)
    near : those of the first leaves that are among them: kin are looked for there; shape (near,)
    values, usual : values of these, and what their season alone expects, shape (measures, intervals, near)
    is_count, is_positive : traits, shape (intervals, measures)
    """

    totals: Array
    counts: NDArray[np.int32]
    near: Ints
    values: Array
    usual: Array
    is_count: Bools
    is_positive: Bools

    @classmethod
    def of(cls, parts: Sequence[Sums]) -> Sums:
        """Return what several shards, at least one, tell together."""
        totals, counts = parts[0].totals.astype(np.float64), parts[0].counts.copy()
        for part in parts[1:]:
            totals += part.totals
            counts += part.counts
        near, values, usual = (np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in ("near", "values", "usual"))
        is_count, is_positive = (np.logical_and.reduce([getattr(part, name) for part in parts]) for name in ("is_count", "is_positive"))
        return cls(totals.astype(np.float32), counts, near, values, usual, is_count, is_positive)


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

    def index(self, leaves: int) -> HierarchyIndex:
        """Return the index of all rollups and the first leaves, as many as that."""
        first, members = self.leaf_nodes[:leaves], self.cube.members[:, :leaves]
        chosen = np.sort(np.concatenate([self.rollups, first]))
        names = [self.cube.nodes[node] for node in chosen]
        members = np.where(members >= 0, np.searchsorted(chosen, members), -1)
        return HierarchyIndex(self.settings, names, self.cube.leaves[:leaves], np.searchsorted(chosen, first), members)

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
        The numbers of those of the shard, ascending.
    """

    def __init__(self, nodes: Nodes, columns: Ints) -> None:
        measures = nodes.settings.measures
        self._nodes, self._part = nodes, nodes.cube.part(columns.tolist())
        self._near = columns[columns < MOST_LEAVES]
        self._detector = Detector(nodes.settings, len(columns) * len(measures))
        self._finder = TraitFinder(measures)

    def observe(self, values: Array, start: int) -> Sums:
        """Learn the next intervals, values of shape (measures, intervals, leaves of the shard); return what they tell the others."""
        scores, traits = self._detector.run(_side_by_side(values), start), self._finder.observe(values)
        usual = scores.usual.reshape(values.shape[1], values.shape[2], len(values))[:, : len(self._near)]
        totals, counts = self._add_up(values)
        near = values[:, :, : len(self._near)]
        return Sums(totals, counts, self._near, near, np.moveaxis(usual, 2, 0), traits.is_count, traits.is_positive)

    def _add_up(self, values: Array) -> tuple[Array, NDArray[np.int32]]:
        """Return what values add to the rollups."""
        shape = (*values.shape[:2], len(self._nodes.rollups))
        totals, counts = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
        for number, measure in enumerate(self._nodes.settings.measures):
            for nodes, total, count in self._part.add_up(values[number], measure.aggregation):
                at = np.searchsorted(self._nodes.rollups, nodes)
                totals[number][:, at], counts[number][:, at] = total, count
        return totals, counts

    def learned(self) -> dict[str, Array]:
        """Return what the detector learned, by name."""
        return self._detector.to_arrays()


class ShardMerger:
    """Puts a monitor together: every shard once, in any order, and the sums of all of them stretch by stretch."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes, self._index, self._near = nodes, nodes.index(0), nodes.index(MOST_LEAVES)
        self._measures = len(nodes.settings.measures)
        self._state = DetectorState.blank(Seasons.of(nodes.settings).rows, len(nodes.cube.nodes) * self._measures)
        self._rollups = Detector(nodes.settings, len(nodes.rollups) * self._measures)
        self._days, self._beside, self._precedents = Days(nodes.settings), Beside(nodes.settings), Precedents(nodes.settings)
        self._end = 0
        self._traits = TraitFinder(nodes.settings.measures).to_document()

    def take(self, columns: Ints, learned: dict[str, Array]) -> None:
        """Take over what a shard of the leaves in ``columns`` learned."""
        self._place(self._nodes.leaf_nodes[columns], learned)

    def learn(self, sums: Sums, start: int) -> None:
        """Let the rollups learn the next intervals, and the nodes that have kin."""
        settings, values = self._nodes.settings, self._nodes.values_of(sums)
        scores, traits = self._rollups.run(_side_by_side(values), start), MeasureTraits(sums.is_count, sums.is_positive)
        turns = np.zeros(values.shape[1], np.bool_)  # nothing is told
        seen = weigh(np.moveaxis(values, 0, 2), scores, depths=self._index.depths, turns=turns, facts=traits, settings=settings)
        for stretch, is_end in self._days.split(start, values.shape[1]):
            part = seen.part(stretch)
            self._precedents.observe(self._index, part)
            self._days.observe(self._index.depths, part, start + stretch.start * settings.interval_seconds, is_end)
        least = np.where(traits.is_positive, np.float32(0), np.float32(-np.inf)).T[:, :, np.newaxis]
        usual = _lay_out(self._near, seen.usual, np.maximum(sums.usual, least), sums.near)
        self._beside.learn(self._near, _lay_out(self._near, values, sums.values, sums.near), usual, start)
        self._traits = [sums.is_count[-1].tolist(), sums.is_positive[-1].tolist()]
        self._end = start + values.shape[1] * settings.interval_seconds

    def monitor(self, observed: int) -> Monitor:
        """Return the monitor, after so many intervals with data; of the day that goes on, it does not know what leaves added to it."""
        self._place(self._nodes.rollups, self._rollups.to_arrays())
        self._days.turn(self._end)
        learned = put_under("detector.", self._state.arrays()) | put_under("days.", self._days.to_arrays())
        learned |= put_under("beside.", self._beside.to_arrays()) | put_under("precedents.", self._recalled())
        return Monitor.of(self._nodes.settings, self._nodes.leaves, learned, self._traits, observed)

    def _recalled(self) -> dict[str, Array]:
        """Return the precedents, if there are any, with a place for every node."""
        learned = self._precedents.to_arrays()
        if not learned["away"].size:
            return learned
        away = np.zeros((2, self._measures, len(self._nodes.cube.nodes)), np.float32)
        away[:, :, self._nodes.rollups] = learned["away"]
        return {**learned, "away": away}

    def _place(self, nodes: Ints, learned: dict[str, Array]) -> None:
        """Write the series of some nodes to their places: all measures of a node side by side."""
        series = (nodes[:, np.newaxis] * self._measures + np.arange(self._measures)).ravel()
        for name, array in self._state.arrays().items():
            array[:, series] = learned[name]


def _lay_out(index: HierarchyIndex, rollups: Array, leaves: Array, columns: Ints) -> Array:
    """Return an array of shape (measures, intervals, nodes) from one of the rollups and one of the leaves in ``columns``."""
    nodes = np.empty((*rollups.shape[:2], len(index.nodes)), np.float32)
    nodes[:, :, np.delete(np.arange(len(index.nodes)), index.leaf_nodes)] = rollups
    nodes[:, :, index.leaf_nodes[columns]] = leaves
    return nodes


def _side_by_side(values: Array) -> Array:
    """Return values of shape (measures, intervals, nodes) as the detector takes them: intervals, and every node's measures in turn."""
    return np.ascontiguousarray(np.moveaxis(values, 0, 2)).reshape(values.shape[1], -1)
