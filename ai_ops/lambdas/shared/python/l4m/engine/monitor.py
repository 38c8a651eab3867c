"""The monitor: all measures of a metric set from values to incidents; learning, backtest and live runs go through it alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from l4m.engine.beside import Beside
from l4m.engine.block import Block
from l4m.engine.days import Days
from l4m.engine.detection.detector import WORKERS, Detector
from l4m.engine.detection.state import put_under, take_from
from l4m.engine.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.measure_traits import TraitFinder
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.incidents import ARRAYS
from l4m.engine.normality import Normality
from l4m.engine.precedents import Precedents
from l4m.engine.results import Feedback, Outcome, Points
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.serialization import pack, unpack
from l4m.engine.settings import Settings, read_settings
from l4m.engine.stretch import Stretch
from l4m.engine.tails import Tails
from l4m.engine.tracking import Tracker

T = TypeVar("T")
SLICE = 2_000_000  # values at a time, so that memory stays bounded
PIECE = 200_000  # values that a core takes at a time, so that they stay in its cache
COLD_START = {86_400: 14}  # intervals until a monitor is ready; 300 where not said


class Monitor:
    """Takes blocks of a metric set in order and says what is anomalous in them.

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
        self._settings = settings
        self._cube = Rollups(len(settings.dimensions), settings.rollups)
        self._detector = Detector(settings, 0)  # one series per node and measure, all measures of a node side by side
        self._seasons = Seasons.of(settings)
        self._tails = Tails(len(settings.measures))
        self._days = Days(settings)
        self._beside = Beside(settings)
        self._precedents = Precedents(settings)
        self._tracker = Tracker(settings.interval_seconds)
        self._index = HierarchyIndex.of(settings, self._cube)
        self._observed = 0
        self._finder = TraitFinder(settings.measures)

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
        return max(0, COLD_START.get(self._settings.interval_seconds, 300) - self._observed)

    @property
    def is_ready(self) -> bool:
        """Whether enough was seen for anomalies to be trusted."""
        return self.cold_start_left == 0

    def observe(self, block: Block, keep_points: bool = False, feedback: Sequence[Feedback] = ()) -> Outcome:
        """Score and learn the next intervals; return their groups and every incident they opened, changed or closed.

        An interval in which all is NaN is a feed that did not report. ``feedback`` names what users said is no anomaly; it
        acts on this call only, so leaving it out takes it back.
        """
        block = self._align(block)
        values = block.values
        interval = self._settings.interval_seconds
        points = Points.blank(self.nodes, (*values.shape[:2], len(self._cube.nodes))) if keep_points else None
        normality = Normality(self._index, feedback, self._precedents)
        self._tracker.begin(self._index, normality)
        for first, last in self._slices(values.shape[1]):
            for at, stretch in self._score(block.part(block.start + first * interval, first, last), normality, bands=keep_points):
                if points is not None:
                    points.fill(stretch.evidence, slice(first + at.start, first + at.stop))
                self._follow(stretch.evidence, block.start + (first + at.start) * interval, normality)
        self._observed += int((~np.isnan(values)).any(axis=(0, 2)).sum())
        return Outcome(*self._tracker.finish(), points)

    def _follow(self, evidence: Evidence, start: int, normality: Normality) -> None:
        """Take the incidents through consecutive intervals, and look back at every part of a day that ends among them."""
        self._tails.shrink(evidence)
        self._beside.judge(self._index, evidence, start)
        normality.silence(evidence)
        for stretch, is_end in self._days.split(start, evidence.value.shape[1]):
            part, begin = evidence.part(stretch), start + stretch.start * self._settings.interval_seconds
            self._precedents.observe(self._index, part)
            self._tracker.follow(part, begin)
            look = self._days.observe(self._index.depths, part, begin, is_end)
            if look is not None:
                self._tracker.look_back(look, start + (stretch.stop - 1) * self._settings.interval_seconds)

    def _align(self, block: Block) -> Block:
        """Return the block with one column per leaf known, new leaves in the order in which they appear."""
        if list(block.leaves) == self._cube.leaves:
            return block
        named = {leaf: column for column, leaf in enumerate(block.leaves)}
        fresh = [column for leaf, column in named.items() if self._cube.find(leaf) is None]
        seen = ~np.isnan(block.values[:, :, fresh]).all(axis=0) if fresh else np.zeros((0, 0), bool)
        first = np.where(seen.any(axis=0), seen.argmax(axis=0), -1) if seen.size else np.full(len(fresh), -1)
        arrived = sorted((int(at), tuple(block.leaves[column])) for at, column in zip(first, fresh, strict=True) if at >= 0)
        self._cube.add(leaf for _, leaf in arrived)
        if arrived:
            self._index = HierarchyIndex.of(self._settings, self._cube)
        self._detector.grow(len(self._cube.nodes) * len(self._settings.measures))
        columns = np.array([named.get(leaf, -1) for leaf in self._cube.leaves], np.int64)
        weights = None if block.weights is None else _pick(block.weights, columns)
        return Block(block.start, _pick(block.values, columns), self._cube.leaves, weights)

    def _slices(self, intervals: int) -> Iterator[tuple[int, int]]:
        """Yield stretches of intervals that are small enough to be held at once."""
        step = max(1, SLICE // max(1, len(self._cube.nodes) * len(self._settings.measures)))
        for first in range(0, intervals, step):
            yield first, min(first + step, intervals)

    def _score(self, block: Block, normality: Normality, *, bands: bool) -> Iterator[tuple[slice, Stretch]]:
        """Yield all measures and nodes of an aligned block, scored, a few intervals at a time."""
        values, start, count = block.values, block.start, len(self._cube.nodes)
        nodes = np.empty((values.shape[1], count, len(values)), np.float32)
        turns, traits = self._day_turns(start, len(nodes)), self._finder.observe(values)
        step = max(1, PIECE // max(1, count * len(values)))
        pieces = [slice(first, min(first + step, len(nodes))) for first in range(0, len(nodes), step)]

        def combine(at: slice) -> None:
            for number, measure in enumerate(self._settings.measures):
                weights = None if block.weights is None else block.weights[number, at]
                nodes[at, :, number] = self._cube.combine(values[number, at], measure.aggregation, weights)

        def judge(at: slice) -> tuple[slice, Stretch]:
            stretch = Stretch(nodes[at], scores.part(at), self._index.depths, turns[at], traits.part(at), self._settings, normality)
            stretch.evidence  # noqa: B018 - weighed here, on any core, and kept
            return at, stretch

        list(_share(combine, pieces))
        scores = self._detector.run(nodes.reshape(len(nodes), -1), start, bands=bands)
        yield from _share(judge, pieces)

    def _day_turns(self, start: int, intervals: int) -> NDArray[np.bool_]:
        """Return which intervals are the first of a day in the time zone of the data; none where an interval is a day."""
        seconds = self._settings.interval_seconds
        if self._seasons.is_daily:
            return np.zeros(intervals, np.bool_)
        return np.array([self._seasons.moment(start + i * seconds).phase == 0 for i in range(intervals)], np.bool_)

    @classmethod
    def of(
        cls,
        settings: Settings,
        leaves: Sequence[tuple[str, ...]],
        learned: Mapping[str, NDArray[Any]],
        traits: Sequence[Sequence[bool]],
        observed: int,
    ) -> Monitor:
        """Return a monitor without open incidents from what its parts and its traits hold after ``observed`` intervals."""
        monitor = cls(settings)
        monitor._cube.add(leaves)
        monitor._index = HierarchyIndex.of(settings, monitor._cube)
        monitor._detector = Detector.from_arrays(settings, take_from("detector.", learned))
        monitor._days.restore(take_from("days.", learned))
        monitor._beside.restore(take_from("beside.", learned))
        monitor._precedents.restore(take_from("precedents.", learned))
        monitor._finder.restore(traits)
        monitor._observed = observed
        return monitor

    def save(self) -> bytes:
        """Return everything that was learned."""
        incidents = self._tracker.kept
        arrays = put_under("detector.", self._detector.to_arrays()) | put_under("days.", self._days.to_arrays())
        arrays |= put_under("beside.", self._beside.to_arrays()) | put_under("precedents.", self._precedents.to_arrays())
        arrays |= {f"incident.{i}.{name}": getattr(one, name) for i, one in enumerate(incidents) for name in ARRAYS}
        document = {
            "settings": asdict(self._settings),
            "leaves": self._cube.leaves,
            "observed": self._observed,
            "traits": self._finder.to_document(),
            "tails": self._tails.tails.tolist(),
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
        monitor = cls.of(read_settings(document["settings"]), leaves, arrays, document["traits"], document["observed"])
        monitor._tails.tails[:] = document["tails"]
        sums = [[arrays[f"incident.{i}.{name}"] for name in ARRAYS] for i in range(len(document["tracker"]["kept"]))]
        monitor._tracker.restore(document["tracker"], sums)
        return monitor


def _pick(array: NDArray[np.float32], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the columns of an array of shape (measures, intervals, leaves), NaN for -1; a view where that will do."""
    if np.array_equal(columns, np.arange(len(columns))):
        return array[:, :, : len(columns)]
    picked = np.full((*array.shape[:2], len(columns)), np.nan, np.float32)
    picked[:, :, columns >= 0] = array[:, :, columns[columns >= 0]]
    return picked


def _share(function: Callable[[slice], T], pieces: Sequence[slice]) -> Iterator[T]:
    """Yield what a function makes of each piece, in order, computed on several cores."""
    if len(pieces) < 2:
        yield from map(function, pieces)
    else:
        with ThreadPoolExecutor(WORKERS) as pool:
            yield from pool.map(function, pieces)
