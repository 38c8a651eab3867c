"""Learning in shards: some leaf series by themselves, what they add to the rollups, and one monitor made of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.detector import Detector
from l4m.engine.detection.state import Array, DetectorState, put_under, take_from
from l4m.engine.evidence.accounts import Accounts, Kinds
from l4m.engine.evidence.presence import Presence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.measure_traits import TraitFinder
from l4m.engine.hierarchy.rollups import Rollups, mean_of
from l4m.engine.judge import LARGEST, MOST_LEAVES, Judge, Observation, blank_presence, clip_usual, find_closed, row_of
from l4m.engine.monitor import Monitor
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.settings import Settings
from l4m.model import Aggregation

Ints = NDArray[np.int64]
Counts = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sums:
    """What some leaves tell of a stretch.

    Attributes
    ----------
    totals, counts : what they add to the rollups, shape (measures, intervals, rollups); closed hours count as zeros
    reported : whether a row came for any of them, of that shape
    dues : what their seasons expect of averages, added up, shape (averages, intervals, rollups)
    near : those of the first leaves that are among them: these are judged as rollups are; shape (near,)
    values, usual : values of these, and what their season alone expects, shape (measures, intervals, near)
    closed : which of their values are zero because the hour is a closed one, of that shape
    is_count, is_positive : traits, shape (intervals, measures)
    """

    totals: Array
    counts: Counts
    reported: Bools
    dues: Array
    near: Ints
    values: Array
    usual: Array
    closed: Bools
    is_count: Bools
    is_positive: Bools

    @classmethod
    def of(cls, parts: Sequence[Sums]) -> Sums:
        """Return what several shards, at least one, tell together."""
        totals, dues = (np.asarray(np.sum([getattr(one, name) for one in parts], axis=0, dtype=np.float64)) for name in ("totals", "dues"))
        near, values, usual, closed = (
            np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in ("near", "values", "usual", "closed")
        )
        is_count, is_positive = (np.logical_and.reduce([getattr(part, name) for part in parts]) for name in ("is_count", "is_positive"))
        return cls(
            totals=np.asarray(totals, np.float32),
            counts=np.sum([part.counts for part in parts], axis=0, dtype=np.int32),
            reported=np.logical_or.reduce([part.reported for part in parts]),
            dues=np.asarray(dues, np.float32),
            near=near,
            values=values,
            usual=usual,
            closed=closed,
            is_count=is_count,
            is_positive=is_positive,
        )


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
        self.averages: Ints = np.flatnonzero([one.aggregation is Aggregation.AVG for one in settings.measures])

    def index(self, leaves: int) -> HierarchyIndex:
        """Return the index of all rollups and the first leaves, as many as that."""
        first, members = self.leaf_nodes[:leaves], self.cube.members[:, :leaves]
        chosen = np.sort(np.concatenate([self.rollups, first]))
        names = [self.cube.nodes[node] for node in chosen]
        members = np.where(members >= 0, np.searchsorted(chosen, members), -1)
        return HierarchyIndex(self.settings, names, self.cube.leaves[:leaves], np.searchsorted(chosen, first), members, self.cube.cuboids)

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
    """Some of the leaves, learning by themselves: a leaf's detector and presence know of no other.

    Parameters
    ----------
    nodes : Nodes
        All leaves.
    columns : int array
        The numbers of those of the shard, ascending.
    """

    def __init__(self, nodes: Nodes, columns: Ints) -> None:
        measures = nodes.settings.measures
        self._nodes, self._part, self._seasons = nodes, nodes.cube.part(columns.tolist()), Seasons.of(nodes.settings)
        self._near = columns[columns < MOST_LEAVES]
        self._is_sum = np.array([one.aggregation is Aggregation.SUM for one in measures], np.bool_)
        self._detector = Detector(nodes.settings, len(columns) * len(measures))
        self._presence = blank_presence(nodes.settings)
        self._presence.grow(len(columns))
        self._has_begun = np.zeros((len(columns), len(measures)), np.bool_)
        self._finder = TraitFinder(measures)

    def observe(self, values: Array, start: int) -> Sums:
        """Learn the next intervals, values of shape (measures, intervals, leaves of the shard); return what they tell the others."""
        values, traits = np.clip(values, -LARGEST, LARGEST), self._finder.observe(values)
        closed = self._find_closed(values, start)
        filled = np.where(closed, np.float32(0), values)
        scores = self._detector.run(_side_by_side(filled), start)
        usual = np.moveaxis(scores.usual.reshape(values.shape[1], values.shape[2], len(values)), 2, 0)
        totals, counts = self._add_up(filled)
        reported = self._add_up(np.where(np.isnan(values), values, np.float32(1)))[1] > 0 if closed.any() else counts > 0
        near = slice(len(self._near))
        return Sums(
            totals=totals,
            counts=counts,
            reported=reported,
            dues=self._add_dues(filled, usual, traits.is_positive),
            near=self._near,
            values=values[:, :, near],
            usual=usual[:, :, near],
            closed=closed[:, :, near],
            is_count=traits.is_count,
            is_positive=traits.is_positive,
        )

    def _find_closed(self, values: Array, start: int) -> Bools:
        """Return which absences count as zero, and learn presence."""
        closed = np.zeros(values.shape, np.bool_)
        for at in range(values.shape[1]):
            moment = self._seasons.moment(start + at * self._seasons.interval)
            row, absent = row_of(moment, self._seasons.is_daily), np.isnan(values[:, at].T)
            closed[:, at] = find_closed(self._presence, row, absent, slice(None), has_begun=self._has_begun, is_sum=self._is_sum).T
            self._presence.learn(row, ~absent, moment.holiday == 0)
            self._has_begun |= ~absent
        return closed

    def _add_up(self, values: Array) -> tuple[Array, Counts]:
        """Return what values add to the rollups."""
        shape = (*values.shape[:2], len(self._nodes.rollups))
        totals, counts = np.zeros(shape, np.float32), np.zeros(shape, np.int32)
        for number, measure in enumerate(self._nodes.settings.measures):
            for nodes, total, count in self._part.add_up(values[number], measure.aggregation):
                at = np.searchsorted(self._nodes.rollups, nodes)
                totals[number][:, at], counts[number][:, at] = total, count
        return totals, counts

    def _add_dues(self, values: Array, usual: Array, is_positive: Bools) -> Array:
        """Return what the seasons of averages add to the rollups, where a value came."""
        dues = np.zeros((len(self._nodes.averages), values.shape[1], len(self._nodes.rollups)), np.float32)
        for number, measure in enumerate(self._nodes.averages):
            due = np.nan_to_num(clip_usual(usual[measure], is_positive[:, measure, np.newaxis]))
            due = np.where(np.isnan(values[measure]), np.float32(0), due)
            for nodes, total, _ in self._part.add_up(due, Aggregation.SUM):
                dues[number][:, np.searchsorted(self._nodes.rollups, nodes)] = total
        return dues

    def learned(self) -> dict[str, NDArray[Any]]:
        """Return what detector and presence learned, by name."""
        return put_under("detector.", self._detector.to_arrays()) | put_under("presence.", self._presence.to_arrays())


class ShardMerger:
    """Puts a monitor together: every shard once, in any order, and the sums of all of them stretch by stretch."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes, self._index, self._seasons = nodes, nodes.index(MOST_LEAVES), Seasons.of(nodes.settings)
        measures = nodes.settings.measures
        self._measures, self._is_sum = len(measures), np.array([one.aggregation is Aggregation.SUM for one in measures], np.bool_)
        self._near_rollups = np.delete(np.arange(len(self._index.nodes)), self._index.leaf_nodes)
        self._state = DetectorState.blank(self._seasons.rows, len(nodes.cube.nodes) * self._measures)
        self._rollups = Detector(nodes.settings, len(nodes.rollups) * self._measures)
        self._presence = blank_presence(nodes.settings)
        self._presence.grow(len(nodes.cube.nodes))
        self._judge = Judge(nodes.settings)
        self._judge.grow(self._index)
        self._seen = np.zeros((len(self._index.nodes), self._measures), np.float32)
        self._passed = 0
        self._traits = TraitFinder(measures).to_document()

    def take(self, columns: Ints, learned: Mapping[str, NDArray[Any]]) -> None:
        """Take over what a shard of the leaves in ``columns`` learned."""
        nodes = self._nodes.leaf_nodes[columns]
        self._place(nodes, take_from("detector.", learned))
        self._place_presence(nodes, take_from("presence.", learned))

    def learn(self, sums: Sums, start: int) -> None:
        """Let the rollups learn the next intervals, and judge them and the first leaves."""
        rollups = self._nodes.values_of(sums)
        scores = self._rollups.run(_side_by_side(rollups), start)
        usual = np.moveaxis(scores.usual.reshape(rollups.shape[1], rollups.shape[2], len(rollups)), 2, 0)
        nothing = np.zeros((len(self._index.nodes), self._measures), np.bool_)
        own, came = np.where(sums.closed, np.float32(0), sums.values), ~np.isnan(sums.values)
        for at in range(rollups.shape[1]):
            moment = self._seasons.moment(start + at * self._seasons.interval)
            kinds = Kinds(self._is_sum, np.zeros(self._measures, np.bool_), sums.is_positive[at], sums.is_count[at])
            values, expected, reported, counts = (
                self._lay_out(above[:, at], below[:, at], sums.near)
                for above, below in ((rollups, own), (usual, sums.usual), (sums.reported, came), (sums.counts, came))
            )
            weight = np.where(kinds.is_sum, np.float32(1), counts)
            accounts = Accounts(values, weight, reported > 0)
            due = clip_usual(expected, kinds.is_positive) * weight
            if len(self._nodes.averages):
                due[self._near_rollups[:, np.newaxis], self._nodes.averages] = sums.dues[:, at].T
            seen = Observation(moment, kinds, accounts, due, self._seen, nothing)
            self._judge.learn(seen, self._judge.judge(seen))
            self._seen += ~np.isnan(values)
        self._traits = [sums.is_count[-1].tolist(), sums.is_positive[-1].tolist()]
        self._passed += rollups.shape[1]

    def _lay_out(self, rollups: NDArray[Any], leaves: NDArray[Any], columns: Ints) -> Array:
        """Return an array of shape (nodes, measures) from one of the rollups and one of the leaves in ``columns``, (measures, series)."""
        nodes = np.empty((len(self._index.nodes), self._measures), np.float32)
        nodes[self._near_rollups], nodes[self._index.leaf_nodes[columns]] = rollups.T, leaves.T
        return nodes

    def monitor(self, observed: int) -> Monitor:
        """Return the monitor, after so many intervals with data."""
        self._place(self._nodes.rollups, self._rollups.to_arrays())
        learned = self._judge.to_arrays()
        own = take_from("presence.", learned)
        by_node = {name: array[..., self._near_rollups, :] for name, array in own.items() if name in Presence.BY_NODE}
        self._place_presence(self._nodes.rollups, own | by_node)
        learned |= put_under("detector.", self._state.arrays()) | put_under("presence.", self._presence.to_arrays())
        return Monitor.of(self._nodes.settings, self._nodes.leaves, learned, self._traits, observed=observed, passed=self._passed)

    def _place(self, nodes: Ints, learned: Mapping[str, Array]) -> None:
        """Write the series of some nodes to their places: all measures of a node side by side."""
        series = (nodes[:, np.newaxis] * self._measures + np.arange(self._measures)).ravel()
        for name, array in self._state.arrays().items():
            array[:, series] = learned[name]

    def _place_presence(self, nodes: Ints, learned: Mapping[str, NDArray[Any]]) -> None:
        """Write the presence of some nodes to their places; what all have in common is the same everywhere."""
        arrays = self._presence.to_arrays()
        for name in Presence.BY_NODE:
            arrays[name][..., nodes, :] = learned[name]
        self._presence.restore(arrays | {"now": learned["now"]})


def _side_by_side(values: Array) -> Array:
    """Return values of shape (measures, intervals, nodes) as the detector takes them: intervals, and every node's measures in turn."""
    return np.ascontiguousarray(np.moveaxis(values, 0, 2)).reshape(values.shape[1], -1)
