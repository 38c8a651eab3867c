"""Beside its kin: whether a node leaves the share of its parents that it has always had, or the ratio between its measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.report_filter import is_wanted
from l4m.engine.detection.state import Array
from l4m.engine.evidence import Evidence, levels_of
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.kinship import Bools, Ints, Kinship
from l4m.engine.ratios import TINY, Ratios
from l4m.engine.seasonality.seasons import DAY, Seasons
from l4m.engine.settings import Settings
from l4m.engine.spans import FAR, Gaps, Spans
from l4m.engine.tails import STEP, Tails

SPANS = (1_800, 10_800, 64_800)  # seconds over which deviations are added up, beside single intervals
MEMORY, PRIOR = 28.0, 3.0  # visits of an hour that are remembered; visits for which all other hours stand in
READY_DAYS, READY_WEEKS = 7, 4  # before which nothing is said: days, and weeks where intervals are days
LONGEST_DAYS = 2  # in a row, after which what is different has become the rule
LEAST_SIGMAS = 1.0  # from the season, to the same side
FACTOR = 1.5  # sigmas beside kin that open an incident, against those from the season
POISSON = np.float32(0.8)  # mean absolute deviation of a count, in roots of its size
LARGEST = np.float32(1e15)
PIECE = 65_536  # values of kin at a time, at most: few enough for the cache


class Beside:
    """Judges every node beside its parents, and every measure beside the others of the same node.

    What all of a parent's nodes share, its season and its noise, does not count: a node is expected to have its usual part
    of what the others of the parent have now. A drop by a half of a node of 3,000 visits is then 25 standard errors of
    counting, while from its own season it may be three. The kin beside which a node is steadiest decides; deviations are
    also added up over hours, for those that are small against an interval's noise. Only what goes to the same side from the
    season counts, at most by as much: when one node falls, its siblings do not rise.

    Parameters
    ----------
    settings : Settings
        What the user chose; only sums are looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._seasons, self._interval = settings, Seasons.of(settings), settings.interval_seconds
        hours, per_hour, is_daily = self._seasons.rows["hours"], self._seasons.per_hour, self._seasons.is_daily
        self._spans = Spans([span // self._interval for span in SPANS if span // self._interval > 1])
        self._ratios = Ratios(hours, MEMORY * per_hour, PRIOR * per_hour)
        self._ready = 7 * READY_WEEKS if is_daily else READY_DAYS * self._seasons.per_day
        self._day = -DAY
        self._age, self._odd = np.zeros(0, np.float32), np.zeros((2, 0), np.float32)
        self._tails = self._new_tails(0)
        self._scene: HierarchyIndex | None = None

    def _new_tails(self, measures: int) -> Tails:
        """Return tails that move as far in an hour whatever the interval: what is added up over hours is alike all the time."""
        return Tails(measures, STEP * min(1.0, self._interval / 3_600))

    def judge(self, scene: HierarchyIndex, seen: Evidence, start: int) -> None:
        """Fill ``beside``, ``kin`` and ``odd`` of consecutive intervals, the first of which begins at ``start``."""
        values = np.where(seen.missing, np.float32(np.nan), seen.value)
        for part, (sigmas, expected, odd) in self._follow(scene, values, seen.usual, start):
            within = seen.part(part)
            for number, measure in enumerate(self._kinship.measures.tolist()):
                self._fill(within, measure, sigmas[:, number], expected[:, number], odd[:, number])

    def learn(self, scene: HierarchyIndex, values: Array, usual: Array, start: int) -> None:
        """Learn intervals of which nothing is told: values and what the season expects, arrays of shape (measures, intervals, nodes)."""
        for _ in self._follow(scene, values, usual, start):
            pass

    def _follow(self, scene: HierarchyIndex, values: Array, usual: Array, start: int) -> Iterator[tuple[slice, tuple[Array, Array, Bools]]]:
        """Yield the intervals of each day that is no holiday, with deviations, what is expected, and what is odd."""
        if scene is not self._scene:
            self._grow(scene)
        if self._kinship.is_empty:
            return
        for day, is_holiday, part, hours in self._split(start, values.shape[1]):
            if day != self._day:
                self._end_day()
                self._day = day
            if not is_holiday:
                with np.errstate(over="ignore"):
                    found = self._judge(values[:, part], usual[:, part], hours)
                yield part, found

    def _split(self, start: int, intervals: int) -> Iterator[tuple[int, bool, slice, Ints]]:
        """Yield parts of days: the day, whether it is a holiday, the intervals, and their hours."""
        moments = [self._seasons.moment(start + at * self._interval) for at in range(intervals)]
        phases = np.array([0 if self._seasons.is_daily else one.phase for one in moments])
        days = np.round((start + (np.arange(intervals) - phases) * self._interval) / DAY).astype(np.int64)
        hours = np.array([one.hour for one in moments], np.int64)
        step = max(1, PIECE // self._kinship.kin.size)
        edges = sorted({0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), *range(0, intervals, step), intervals})
        for first, last in pairwise(edges):
            yield int(days[first]), moments[first].holiday > 0, slice(first, last), hours[first:last]

    def _grow(self, scene: HierarchyIndex) -> None:
        """Make room for nodes that have appeared."""
        kinship = Kinship.of(scene)
        measures, nodes = len(kinship.measures), len(kinship.nodes)

        def widen(array: Array, *rows: int) -> Array:
            wide = np.zeros((*array.shape[: array.ndim - len(rows) - 1], *rows, measures, nodes), np.float32)
            if array.size:
                known = array.shape[-1] // measures
                wide[..., :known] = array.reshape(*array.shape[:-1], measures, known)
            return wide.reshape(*wide.shape[:-2], measures * nodes)

        self._ratios.resize(lambda array: widen(array, len(kinship.kin)))
        self._spans.resize(lambda array: widen(array, kinship.kinds))
        self._age, self._odd = widen(self._age), widen(self._odd)
        self._levels = np.float32(FACTOR) * levels_of(scene.depths[kinship.nodes], self._settings)
        self._scene, self._kinship = scene, kinship
        if len(self._tails.tails) != measures:
            self._tails = self._new_tails(measures)

    def _judge(self, values: Array, usual: Array, hours: Ints) -> tuple[Array, Array, Bools]:
        """Judge and note consecutive intervals of one day; the arrays returned have the shape (intervals, measures, nodes)."""
        kinship, ready = self._kinship, self._ratios.weight >= self._ready
        own, kin, away = self._look(values, usual)
        known = (kinship.kin >= 0) & (kin > 0) & (own >= 0) & ~np.isnan(away)
        own, away, kin = np.nan_to_num(own), np.nan_to_num(away), np.where(known, kin, np.float32(0))
        expected, scatter = self._ratios.expect(kin, hours, len(kinship.measures))
        expected = np.minimum(expected, LARGEST)
        gap = (own - expected) * known
        root = np.sqrt(np.maximum(np.maximum(expected, own), TINY))
        units, is_ready = np.where(self._ratios.weight > 0, np.abs(gap) / root, POISSON), known & ready
        found = self._report(self._choose(Gaps(expected, gap, scatter * root, away, is_ready), ready))
        far = np.where(is_ready & (self._age < LONGEST_DAYS), FAR / np.maximum(units / scatter, FAR), np.float32(1))
        self._ratios.learn(hours, own, kin, units * far, known.astype(np.float32) * np.square(far))
        return found

    def _look(self, values: Array, usual: Array) -> tuple[Array, Array, Array]:
        """Return values, shape (intervals, 1, cells), those of their kin, shape (intervals, kin, cells), and deviations from the season."""
        kinship = self._kinship
        values, usual = (np.moveaxis(array, 0, 1).reshape(values.shape[1], -1) for array in (np.minimum(values, LARGEST), usual))
        own, usual = (array[:, np.newaxis, kinship.own] for array in (values, usual))
        kin = values[:, kinship.kin]
        kin[:, : kinship.parents] -= own
        return own, kin, own - usual

    def _choose(self, every: Gaps, ready: Bools) -> Gaps:
        """Return, of the deviations beside all kin, those beside the steadiest of each kind whose ratio is ready."""
        scatter = np.where(ready, self._ratios.scatter, np.float32(np.inf))
        parents, cells = self._kinship.parents, np.arange(scatter.shape[1])
        best = [scatter[:parents].argmin(axis=0)]
        if len(scatter) > parents:
            best.append(parents + scatter[parents:].argmin(axis=0))
        expected, gap, error = (array[:, best, cells] for array in (every.expected, every.gap, every.error))
        return Gaps(expected, gap, error, np.broadcast_to(every.away, gap.shape), every.is_ready[:, best, cells])

    def _report(self, gaps: Gaps) -> tuple[Array, Array, Bools]:
        """Say which nodes deviate enough to open an incident."""
        found = self._spans.add_up(gaps)
        kind = np.abs(found).argmax(axis=1)[:, np.newaxis]
        shape = (len(found), len(self._kinship.measures), -1)
        sigmas, expected, gap = (np.take_along_axis(one, kind, 1).reshape(shape) for one in (found, gaps.expected, gaps.gap))
        for number in range(shape[1]):
            self._tails.shrink_measure(number, sigmas[:, number])
        odd = (np.abs(sigmas) >= self._levels) & is_wanted(gap, expected, self._settings)
        self._odd += np.stack([odd.sum(axis=0).ravel(), np.full(self._age.shape, len(odd))])
        odd &= self._age.reshape(odd.shape[1:]) < LONGEST_DAYS
        return sigmas, expected, odd

    def _fill(self, seen: Evidence, measure: int, sigmas: Array, expected: Array, odd: Bools) -> None:
        """Note what is odd; in intervals in which the season alone opens no incident, it is anomalous, too."""
        nodes = self._kinship.nodes
        odd &= np.sign(sigmas) * seen.sigmas[measure][:, nodes] >= LEAST_SIGMAS
        seen.beside[measure][:, nodes], seen.kin[measure][:, nodes], seen.odd[measure][:, nodes] = sigmas, expected, odd
        hidden = seen.odd[measure] & ~seen.anomalous[measure] & ~seen.strong[measure].any(axis=1, keepdims=True)
        self._draw_bands(seen, measure, np.nonzero(hidden))
        seen.anomalous[measure][hidden] = True
        severity = np.clip(50 + 5 / FACTOR * np.abs(seen.beside[measure][hidden]), 50, 99)
        seen.severity[measure][hidden] = np.fmax(seen.severity[measure][hidden], severity)

    def _draw_bands(self, seen: Evidence, measure: int, at: tuple[Ints, ...]) -> None:
        """Let what is within the band of its season say what is expected beside its kin, and from which value on it is odd."""
        level = np.zeros(seen.odd.shape[2], np.float32)
        level[self._kinship.nodes] = self._levels
        kin = seen.kin[measure][at]
        width = np.abs(seen.value[measure][at] - kin) * level[at[1]] / np.abs(seen.beside[measure][at])
        seen.expected[measure][at], seen.lower[measure][at], seen.upper[measure][at] = kin, kin - width, kin + width

    def _end_day(self) -> None:
        """Learn the day that is over."""
        odd, intervals = self._odd
        self._age = np.where((intervals > 0) & (2 * odd >= intervals), self._age + 1, np.float32(0))
        self._odd = np.zeros_like(self._odd)
        self._spans.end_day(float(self._ratios.points), self._ratios.weight[: self._kinship.parents].max(axis=0))
        self._ratios.end_day()

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        own = {"age": self._age, "odd": self._odd, "tails": self._tails.tails, "day": np.array([self._day])}
        return own | self._ratios.to_arrays() | self._spans.to_arrays()

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self._age, self._odd, self._day = arrays["age"], arrays["odd"], int(arrays["day"][0])
        self._tails = self._new_tails(len(arrays["tails"]))
        self._tails.tails[:] = arrays["tails"]
        self._ratios.restore(arrays)
        self._spans.restore(arrays)
