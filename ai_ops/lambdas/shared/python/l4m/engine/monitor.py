"""The monitor: all measures of a metric set from values to incidents; learning, backtest and live runs go through it alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine import baselines
from l4m.engine.block import Block
from l4m.engine.detection.detector import Detector
from l4m.engine.detection.masking import LearningMask
from l4m.engine.detection.scores import Scores
from l4m.engine.detection.state import put_under, take_from
from l4m.engine.evidence.accounts import Accounts, Kinds
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.measure_traits import TraitFinder
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.incidents.description import describe
from l4m.engine.incidents.groups import group_series
from l4m.engine.incidents.slow_change import find_slow, rescale_days
from l4m.engine.incidents.suppression import BY_DIRECTION, BY_FEEDBACK, BY_SIZE, Suppression
from l4m.engine.incidents.tracker import Change, Interval, Tracker
from l4m.engine.judge import LARGEST, MOST_LEAVES, Judge, Observation, clip_usual, find_closed, row_of
from l4m.engine.results import Feedback, Group, Incident, Outcome, Points
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.serialization import pack, unpack
from l4m.engine.settings import Settings, read_settings
from l4m.model import Aggregation

COLD_START, COLD_START_OF_DAYS = 300, 14  # intervals until a monitor is ready; the second where an interval is a day
TOLD_FROM = 240  # intervals until incidents are looked for: what is told before a monitor is ready has to be sure
MOST_APART = 500  # leaves of a block, up to which each has a begin of its own
COUNT_ERROR = 0.5  # a count varies by at least so much of its root: one more or less of a few is no anomaly
WHOLE = 1e-3  # by how much of it a product may miss a whole number
LEAST_SIGMAS = 1.5  # what is nearer to the expected value is no anomaly, however regular the series
IN_INCIDENT, WEAK, COLD, BY_REASON = 1, 2, 3, {BY_FEEDBACK: 4, BY_DIRECTION: 5, BY_SIZE: 6}

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Monitor:
    """Takes blocks of a metric set in order and says what is anomalous in them.

    Every interval goes through the same steps: values are added up over rollups; the detector scores every series; evidence judges
    every node beside its past and its parents, and adds up; the tracker opens, follows and ends incidents, and finds their places;
    what they explain is not learned.

    Parameters
    ----------
    settings : Settings
        What the user chose; fixed for the life of the monitor.

    Examples
    --------
    >>> from l4m.model import Measure
    >>> monitor = Monitor(Settings(interval_seconds=3600, measures=(Measure("views"),), dimensions=("country",)))
    >>> outcome = monitor.observe(Block(1_699_920_000, np.ones((1, 24, 2), np.float32), [("US",), ("DE",)]))
    >>> outcome.incidents, monitor.leaves
    ((), (('DE',), ('US',)))
    """

    def __init__(self, settings: Settings) -> None:
        seasons, measures = Seasons.of(settings), len(settings.measures)
        self._settings, self._seasons, self._measures = settings, seasons, measures
        self._cube = Rollups(len(settings.dimensions), settings.rollups)
        self._detector = Detector(settings, 0)  # one series per node and measure, all measures of a node side by side
        self._judge = Judge(settings)
        self._tracker = Tracker(settings)
        self._traits = TraitFinder(settings.measures)
        self._is_sum = np.array([one.aggregation is Aggregation.SUM for one in settings.measures], np.bool_)
        self._is_weighted = np.zeros(measures, np.bool_)
        self._is_whole = np.ones(measures, np.bool_)  # numerators of ratios
        self._observed = 0  # intervals with data
        self._at = 0  # intervals
        self._newcomers: set[int] = set()  # leaves that an incident brought, of which nothing is due yet
        self._cold = COLD_START_OF_DAYS if seasons.is_daily else COLD_START
        self._told_from = min(self._cold, TOLD_FROM)
        self._index = HierarchyIndex.of(settings, self._cube)
        self._is_grown = False  # the parts have room for all leaves

    @property
    def leaves(self) -> tuple[tuple[str, ...], ...]:
        """Dimension values of every leaf series seen so far, in the order of their appearance."""
        return tuple(self._cube.leaves)

    @property
    def nodes(self) -> tuple[tuple[str, ...], ...]:
        """Dimension values of every series, rollups (``*``) included."""
        return tuple(self._cube.nodes)

    @property
    def cold_start_left(self) -> int:
        """Intervals to come before the monitor is ready."""
        return max(0, self._cold - self._observed)

    @property
    def is_ready(self) -> bool:
        """Whether enough was seen for anomalies to be trusted."""
        return self.cold_start_left == 0

    def observe(self, block: Block, keep_points: bool = False, feedback: Sequence[Feedback] = ()) -> Outcome:
        """Score and learn the next intervals; return their groups and every incident they opened, changed or closed.

        An interval in which all is NaN is a feed that did not report. ``feedback`` names what users said is no anomaly; it
        acts on this call only, so leaving it out takes it back.
        """
        said = [self._observe(part, keep_points, feedback) for part in self._split(block)]
        if len(said) == 1:
            return said[0]
        groups = tuple(group for one in said for group in one.groups)
        incidents = {incident.id: incident for one in said for incident in one.incidents}
        points = Points.join([one.points for one in said if one.points is not None])
        return Outcome(groups, tuple(incidents.values()), points)

    def _split(self, block: Block) -> Iterator[Block]:
        """Yield a block in parts at whose begins leaves appear: what is said of an interval is not to know of leaves to come.

        In the cold start nothing is said, and large sets grow once a block, since each time costs as much as some intervals.
        """
        intervals, cold = block.values.shape[1], max(0, self._told_from - self._at)
        cuts = {0, intervals}
        if cold < intervals and len(block.leaves) <= MOST_APART:
            fresh = [column for column, leaf in enumerate(block.leaves) if self._cube.find(leaf) is None]
            seen = ~np.isnan(block.values[:, :, fresh]).all(axis=0)
            cuts |= {int(at) for at in seen.argmax(axis=0)[seen.any(axis=0)] if at > cold} if fresh else set()
        for first, last in pairwise(sorted(cuts)):
            yield block.part(block.start + first * self._settings.interval_seconds, first, last)

    def _observe(self, given: Block, keep_points: bool, feedback: Sequence[Feedback]) -> Outcome:
        """Take a block all of whose leaves are known, or appear with it."""
        block = self._align(given)
        shape = (self._measures, block.values.shape[1], len(self._cube.nodes))
        points = Points.blank(self.nodes, shape) if keep_points else None
        suppression = Suppression(self._index, feedback)
        self._tracker.begin(self._index, suppression)
        traits = self._traits.observe(block.values)
        groups: list[Group] = []
        incidents: dict[str, Incident] = {}
        for at in range(block.values.shape[1]):
            weights = None if block.weights is None else np.ascontiguousarray(block.weights[:, at].T)
            is_count = traits.is_count[at] | self._find_whole(block, at)
            kinds = Kinds(self._is_sum, self._is_weighted, traits.is_positive[at], is_count)
            run = _Run(
                self, kinds, np.ascontiguousarray(block.values[:, at].T), weights, block.start + at * self._settings.interval_seconds
            )
            run.step(suppression, points, at)
            groups += run.groups
            incidents |= run.incidents
        return Outcome(tuple(groups), tuple(incidents.values()), points)

    def _find_whole(self, block: Block, at: int) -> Bools:
        """Return which measures are ratios whose numerators were whole numbers so far: what they count has the grain of a count."""
        if block.weights is None or not (self._is_weighted & self._is_whole).any():
            return np.zeros(self._measures, np.bool_)
        numerators = np.nan_to_num(block.values[:, at].astype(np.float64) * block.weights[:, at])
        self._is_whole &= (np.abs(numerators - np.rint(numerators)) <= WHOLE * np.maximum(np.abs(numerators), 1)).all(axis=1)
        return np.asarray(self._is_weighted & self._is_whole)

    def _align(self, block: Block) -> Block:
        """Return the block with one column per leaf known, new leaves in the order in which they appear."""
        if block.weights is not None and not self._is_weighted.any():
            differs = np.array([bool((np.nan_to_num(one, nan=1.0) != 1).any()) for one in block.weights])
            self._is_weighted |= differs & ~self._is_sum
        if list(block.leaves) == self._cube.leaves and self._is_grown:
            return block
        named = {leaf: column for column, leaf in enumerate(block.leaves)}
        fresh = [column for leaf, column in named.items() if self._cube.find(leaf) is None]
        seen = ~np.isnan(block.values[:, :, fresh]).all(axis=0) if fresh else np.zeros((0, 0), bool)
        first = np.where(seen.any(axis=0), seen.argmax(axis=0), -1) if seen.size else np.full(len(fresh), -1)
        arrived = sorted((int(at), tuple(block.leaves[column])) for at, column in zip(first, fresh, strict=True) if at >= 0)
        self._cube.add(leaf for _, leaf in arrived)
        if arrived or not self._is_grown:
            self._grow()
        columns = np.array([named.get(leaf, -1) for leaf in self._cube.leaves], np.int64)
        weights = None if block.weights is None else _pick(block.weights, columns)
        return Block(block.start, _pick(block.values, columns), self._cube.leaves, weights)

    def _grow(self) -> None:
        """Make room for leaves that have appeared."""
        self._index = HierarchyIndex.of(self._settings, self._cube)
        self._detector.grow(len(self._index.nodes) * self._measures)
        self._judge.grow(self._index)
        self._is_grown = True

    @classmethod
    def of(
        cls,
        settings: Settings,
        leaves: Sequence[tuple[str, ...]],
        learned: Mapping[str, NDArray[Any]],
        traits: Sequence[Sequence[bool]],
        *,
        observed: int,
        passed: int,
    ) -> Monitor:
        """Return a monitor without open incidents from what its parts and its traits hold after ``observed`` of ``passed`` intervals."""
        monitor = cls(settings)
        monitor._cube.add(leaves)
        monitor._grow()
        monitor._detector = Detector.from_arrays(settings, take_from("detector.", learned))
        monitor._judge.restore(learned)
        monitor._traits.restore(traits)
        monitor._observed, monitor._at = observed, passed
        return monitor

    def save(self) -> bytes:
        """Return everything that was learned."""
        arrays: dict[str, NDArray[Any]] = put_under("detector.", self._detector.to_arrays()) | self._judge.to_arrays()
        arrays |= put_under("tracker.", self._tracker.to_arrays())
        document = {
            "settings": asdict(self._settings),
            "leaves": self._cube.leaves,
            "observed": self._observed,
            "at": self._at,
            "is_weighted": self._is_weighted.tolist(),
            "is_whole": self._is_whole.tolist(),
            "newcomers": sorted(self._newcomers),
            "traits": self._traits.to_document(),
            "tracker": self._tracker.to_document(),
        }
        arrays["document"] = np.frombuffer(json.dumps(document, default=str).encode(), np.uint8)
        return pack(arrays)

    @classmethod
    def load(cls, data: bytes) -> Monitor:
        """Return the monitor that ``save`` wrote."""
        arrays = unpack(data)
        document = json.loads(arrays["document"].tobytes())
        leaves = [tuple(leaf) for leaf in document["leaves"]]
        monitor = cls.of(
            read_settings(document["settings"]), leaves, arrays, document["traits"], observed=document["observed"], passed=document["at"]
        )
        monitor._is_weighted = np.array(document["is_weighted"], np.bool_)
        monitor._is_whole = np.array(document["is_whole"], np.bool_)
        monitor._newcomers = set(document["newcomers"])
        monitor._tracker.restore(document["tracker"], take_from("tracker.", arrays))
        return monitor


class _Run:
    """One interval on its way through a monitor."""

    def __init__(self, monitor: Monitor, kinds: Kinds, leaves: Array, weights: Array | None, start: int) -> None:
        self.m, self.kinds, self.start = monitor, kinds, start
        self.leaves, self.leaf_weights = np.clip(leaves, -LARGEST, LARGEST), weights
        self.groups: list[Group] = []
        self.incidents: dict[str, Incident] = {}

    def step(self, suppression: Suppression, points: Points | None, at: int) -> None:
        """Take the interval into account."""
        m, index = self.m, self.m._index
        moment = m._seasons.moment(self.start)
        self.absent = np.isnan(self.leaves)
        seen = m._detector.seen.reshape(len(index.nodes), m._measures)
        masked = m._tracker.masked
        self.accounts = self._account(moment, seen)
        scores = m._detector.score(self.accounts.values.ravel(), self.start, bands=points is not None)
        due = self.accounts.due(index, self.kinds, clip_usual(scores.usual.reshape(seen.shape), self.kinds.is_positive))
        self._is_new = self._find_new(seen)
        seen_now = Observation(moment, self.kinds, self.accounts, due, seen, self._is_new, masked if masked.any() else None)
        self.said = m._judge.judge(seen_now)
        if m._at >= m._told_from:
            self._track(scores, suppression)
        now = m._tracker.masked
        touched = masked | now
        is_touched = bool(touched.any())
        m._detector.learn(self._mask(touched) if is_touched else None)
        m._judge.learn(seen_now, self.said, now if is_touched else None)
        for change in m._tracker.changes:
            self._apply(change)
        if moment.ends_day and m._at >= m._told_from:
            self._find_slow()
        if points is not None:
            self._fill(points, at, scores)
        if not self.absent.all():
            m._observed += 1
        m._at += 1

    def _account(self, moment: Moment, seen: Array) -> Accounts:
        """Return the accounts of all nodes."""
        m, nodes = self.m, self.m._index.leaf_nodes
        row = row_of(moment, m._seasons.is_daily)
        filled = find_closed(m._judge.presence, row, self.absent, nodes, has_begun=seen[nodes] > 0, is_sum=self.kinds.is_sum)
        return Accounts.of(m._index, self.kinds, self.leaves, self.leaf_weights, filled)

    def _find_new(self, seen: Array) -> Bools:
        """Return of which nodes and measures nothing is due: new ones of a monitor that is ready."""
        m = self.m
        if m._at < m._told_from:
            return np.zeros(seen.shape, np.bool_)
        is_new = (seen < m._judge.young) & self.kinds.is_sum
        if m._newcomers:
            is_new[m._index.leaf_nodes[list(m._newcomers)]] = self.kinds.is_sum
        return np.asarray(is_new & ((seen > 0) | self.accounts.reported))

    def _mask(self, masked: Bools) -> LearningMask:
        """Return what the detector is not to learn of this interval."""
        m, nodes = self.m, self.m._index.leaf_nodes
        gone = np.where(masked, self.said.value[nodes] - self.said.due[nodes], np.float32(0))
        young = np.zeros(len(masked), np.bool_)
        young[list(m._newcomers)] = True
        return baselines.mask_learning(m._index, self.kinds, masked, young=young, gone=gone, weights=self.accounts.weights)

    def _leaf_variance(self, scores: Scores) -> Array:
        """Return the variance of an interval of every leaf, as learned, or as the detector scores what is not tracked."""
        m, nodes = self.m, self.m._index.leaf_nodes
        places = m._judge.places[nodes]
        value, due = self.said.value[nodes], self.said.due[nodes]
        error = scores.error.reshape(self.said.value.shape)[nodes] * self.accounts.weights[nodes]
        variance = np.square(np.nan_to_num(error))
        near = places >= 0
        variance[near] = m._judge.evidence.variance(places[near], value[near], due[near])
        return np.asarray(variance)

    def _track(self, scores: Scores, suppression: Suppression) -> None:
        """Take the incidents through the interval, and put together what is told of it."""
        m, tracker = self.m, self.m._tracker
        nodes = m._index.leaf_nodes
        value, due = self.said.value[nodes], self.said.due[nodes]
        far = self._find_far(scores)
        is_needed = bool(tracker.open) or self.said.signs.is_news or bool(len(far))
        variance = self._leaf_variance(scores) if is_needed else np.zeros_like(value)
        now = Interval(m._at, self.start, value, due, variance, self.absent)
        if tracker.history is not None:
            tracker.history.push(m._at, value, due, ~self.absent)
        tracker.changed = {}
        tracker.step(now, self.said.signs, m._judge.evidence, m._judge.tracked)
        for leaf, measure, side, strength in far:
            if not tracker.masked[leaf, measure]:
                tracker.open_leaf(leaf, measure, side, strength)
        self._note_newcomers()
        self._tell(now, scores)

    def _apply(self, change: Change) -> None:
        """Let a change of level be the rule."""
        m = self.m
        young = np.zeros(len(m._index.leaves), np.bool_)
        young[list(m._newcomers)] = True
        baselines.apply(m._index, self.kinds, change, detector=m._detector, evidence=m._judge.evidence, places=m._judge.places, young=young)
        m._newcomers -= set(np.flatnonzero(change.leaves).tolist())
        for measure, factor in change.factors.items():
            rescale_days(m._index, m._judge, change.leaves, measure, factor)

    def _find_slow(self) -> None:
        """Tell what has moved slowly until the day that is over."""
        m, nodes = self.m, self.m._index.leaf_nodes
        now = Interval(m._at, self.start, self.said.value[nodes], self.said.due[nodes], np.zeros(0, np.float32), self.absent)
        for one in find_slow(m._index, self.kinds, m._judge, m._tracker, now):
            if not one.untold:
                self.incidents[one.id] = describe(m._index, one, is_open=False)

    def _find_far(self, scores: Scores) -> list[tuple[int, int, int, float]]:
        """Return leaves that are not tracked and deviate enough in this interval to open an incident: leaf, measure, side, strength."""
        m, index = self.m, self.m._index
        if len(index.leaves) <= MOST_LEAVES:
            return []
        nodes = index.leaf_nodes[MOST_LEAVES:]
        error = np.maximum(scores.error.reshape(self.said.value.shape)[nodes] * self.accounts.weights[nodes], 1e-9)
        gone = self.said.value[nodes] - self.said.due[nodes]
        strength = np.where(self.said.known[nodes], np.abs(gone) / error, 0) / m._judge.evidence.gate
        strength[np.isnan(scores.severity.reshape(self.said.value.shape)[nodes])] = 0
        leaves, measures = np.nonzero(strength >= 1)
        order = np.argsort(-strength[leaves, measures], kind="stable")[:64]
        return [
            (MOST_LEAVES + int(leaf), int(k), 1 if gone[leaf, k] > 0 else -1, float(strength[leaf, k]))
            for leaf, k in zip(leaves[order], measures[order], strict=True)
        ]

    def _note_newcomers(self) -> None:
        """Remember which new leaves an incident brought: rollups learn without them until they are the rule."""
        m = self.m
        new = self._is_new[m._index.leaf_nodes].any(axis=1)
        for one in m._tracker.open:
            m._newcomers |= set(np.flatnonzero(one.leaves & new).tolist())

    def _tell(self, now: Interval, scores: Scores) -> None:
        """Describe what changed, and group the series of what goes on."""
        m, index, tracker = self.m, self.m._index, self.m._tracker
        open_ids = {one.id for one in tracker.open}
        for one in tracker.changed.values():
            if not one.untold:
                self.incidents[one.id] = describe(index, one, one.id in open_ids)
        told = [one for one in tracker.changed.values() if one.end == now.at and not one.untold]
        severity = scores.severity.reshape(self.said.value.shape)[index.leaf_nodes]
        weights = np.where(self.kinds.is_sum, 1, self.accounts.weights)[index.leaf_nodes]
        for measure in range(m._measures):
            owners = [one for one in told if measure in one.onsets]
            if owners:
                group = group_series(index, now, measure, owners, severity=severity[:, measure], weights=weights[:, measure])
                self.groups += [group] if group is not None else []

    def _fill(self, points: Points, at: int, scores: Scores) -> None:
        """Write the points of the interval, each anomaly with the reason why it is told or not."""
        m, index, kinds, shape = self.m, self.m._index, self.kinds, self.said.value.shape
        expected, error = scores.expected.reshape(shape), scores.error.reshape(shape).copy()
        least = np.where(kinds.is_positive, np.float32(0), -LARGEST)
        error = np.maximum(error, np.where(kinds.is_count, COUNT_ERROR * np.sqrt(np.fmax(expected, 1)), 0))
        values = self.accounts.values
        near = np.abs(values - np.maximum(expected, least)) / np.maximum(error, 1e-12) < LEAST_SIGMAS
        is_anomaly = scores.is_anomaly.reshape(shape) & ~near & ~np.isnan(values)
        reason = np.where(is_anomaly, COLD if m._at < m._told_from else WEAK, 0).astype(np.uint8)
        for one in m._tracker.open:
            held = index.add_up(one.leaves.astype(np.float32)[:, np.newaxis])[:, 0] > 0
            said = BY_REASON[one.untold] if one.untold else IN_INCIDENT
            for measure in one.onsets:
                reason[held & is_anomaly[:, measure], measure] = said
        points.value[:, at] = values.T
        points.expected[:, at] = np.maximum(expected, least).T
        points.lower[:, at] = np.maximum(scores.lower.reshape(shape), least).T
        points.upper[:, at] = np.maximum(scores.upper.reshape(shape), least).T
        severity = scores.severity.reshape(shape)
        points.severity[:, at] = severity.T
        points.is_anomaly[:, at] = is_anomaly.T
        points.reason[:, at] = reason.T


def _pick(array: Array, columns: NDArray[np.int64]) -> Array:
    """Return the columns of an array of shape (measures, intervals, leaves), NaN for -1; a view where that will do."""
    if np.array_equal(columns, np.arange(len(columns))):
        return array[:, :, : len(columns)]
    picked = np.full((*array.shape[:2], len(columns)), np.nan, np.float32)
    picked[:, :, columns >= 0] = array[:, :, columns[columns >= 0]]
    return picked
