"""Signs: how surely every node strays from what is expected of it, over one interval and added up over many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.settings import Settings
from l4m.engine.signs.noise import TINY, Array, Noise

HOURS = (3, 8, 24)  # windows beside the single interval, in hours
INTERVALS = (2, 4)  # and in intervals, where an interval is shorter than an hour
OF_DAYS = (2, 4, 7)  # windows where an interval is a day
SPAN_DAYS = 28.0  # longest memory of noise and of how far sums stray
FALSE_A_WEEK = 0.02  # of each window, all nodes and measures together, if noise were Gaussian
MARGIN = 1.3  # times the deviation that has that chance: noise is not
LEAST_GATE = 4.3
COMMON = 400.0  # parts whose counting noise is as large as what all nodes share: 5 %
BODY, LIGHT, USUAL_BEYOND = 1.5, 0.25, 0.1336  # beyond which a tail begins; mean log excess there, and its share, of a Gaussian
LARGEST_LOG = 1.5
FAR = np.float32(4.0)  # what strays further teaches no more
SILENCE = 4.0  # most that one silent interval says, -log10 of its chance
WEEK_VISITS = 4.0
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass
class Sign:
    """What one interval says; arrays of shape (nodes, measures), of windows (windows, nodes, measures).

    Attributes
    ----------
    value, expected : as evidence adds them up: of a sum itself, of a ratio its numerator and what was due of it
    residual : value less expected, without what open incidents explain
    strength : deviation in units of what opens an incident; its sign is the side
    sigmas : deviation of the single interval in standard errors
    """

    value: Array
    expected: Array
    residual: Array
    variance: Array
    strength: Array
    sigmas: Array
    known: Bools
    absent: Bools


def gate_of(tests: float, sensitivity: float) -> float:
    """Return the deviation, in standard errors, that opens an incident when so many are looked at in a week.

    >>> round(gate_of(168, 50), 1), round(gate_of(100_000, 50), 1)
    (4.3, 5.8)
    """
    chance = min(0.4, FALSE_A_WEEK / max(tests, 1.0)) / 2
    gate = -NormalDist().inv_cdf(chance) if chance > 1e-300 else 37.0
    return max(LEAST_GATE, MARGIN * gate) * float(np.interp(sensitivity, [0, 50, 100], [1.4, 1.0, 0.75]))


class Signs:
    """Judges all nodes of a metric set, an interval at a time, and remembers how far they stray as a rule."""

    STATE = ("sums", "dues", "squares", "spread", "count", "week", "visits", "excess", "beyond", "silence")

    def __init__(self, settings: Settings, additive: Bools, counts: Bools, weighted: Bools) -> None:
        self._settings, self._seasons = settings, Seasons.of(settings)
        per_day, step = self._seasons.per_day, settings.interval_seconds
        self.windows = _windows(settings)
        self._additive, self._counts, self._weighted = additive, counts, weighted
        measures = len(settings.measures)
        self._measures = measures
        self.span = SPAN_DAYS * per_day if per_day > 1 else 2 * SPAN_DAYS
        self.noise = Noise(0, measures, self.span)
        windows, blank = len(self.windows), (0, measures)
        self.sums, self.dues, self.squares = (np.zeros((windows, *blank), np.float32) for _ in range(3))
        self.spread, self.count = np.zeros((windows, *blank), np.float32), np.zeros(blank, np.float32)
        rows = 7 if self._seasons.is_daily else 168
        self.week, self.visits = np.zeros((rows, *blank), np.float32), np.zeros((rows, *blank), np.float32)
        self.excess, self.beyond = np.zeros((windows, measures), np.float64), np.zeros((windows, measures), np.float64)
        self.silence = np.zeros(blank, np.float32)
        self.tests = 0.0
        self._decay = np.array([1 - 1 / w if w > 1 else 0.0 for w in self.windows], np.float32)[:, None, None]
        self._lengths = np.array(self.windows, np.float32)[:, None, None]
        self._prior = np.array([1 + 0.25 * math.log2(w) for w in self.windows], np.float32)[:, None, None]
        self._ready_points = 14 if self._seasons.is_daily else min(100, 5 * per_day)
        self._step, self._refresh = step, 1 if self._seasons.is_daily else max(1, per_day // 4)
        self._at = 0
        self._is_grown = self._is_old = self._was_silent = False
        self._per_row = 1.0 if self._seasons.is_daily else max(1.0, per_day / 24)
        self._sums_up = additive
        self._scene: HierarchyIndex | None = None

    def grow(self, scene: HierarchyIndex) -> None:
        """Make room for nodes that have appeared."""
        self._scene = scene
        nodes = len(scene.nodes)
        more = nodes - self.count.shape[0]
        if more > 0:
            for name in ("sums", "dues", "squares", "spread", "week", "visits"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros((len(array), more, self._measures), np.float32)], axis=1))
            for name in ("count", "silence"):
                setattr(self, name, np.concatenate([getattr(self, name), np.zeros((more, self._measures), np.float32)]))
            self.noise.grow(nodes)
        parents = _parents_of(scene)
        pairs = [(np.flatnonzero(up >= 0), up[up >= 0]) for up in parents]
        pairs = [pair for pair in pairs if len(pair[0])]
        ends = np.cumsum([0, *(len(child) for child, _ in pairs)])
        self.children = np.concatenate([child for child, _ in pairs]) if pairs else np.zeros(0, np.int64)
        self.uppers = np.concatenate([up for _, up in pairs]) if pairs else np.zeros(0, np.int64)
        self.rows_of = [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]
        self._is_grown = False
        self._depth = scene.depths
        per_week = 7 if self._seasons.is_daily else 7 * self._seasons.per_day
        tests = per_week * nodes * self._measures
        self._gates = np.array([gate_of(tests / w, self._settings.sensitivity) for w in self.windows], np.float32)[:, None, None]
        self._levels = (1 + 0.02 * self._depth).astype(np.float32)[:, None]

    def row(self, moment: Moment) -> int:
        """Return the row of the hour of the week."""
        return moment.weekday if self._seasons.is_daily else moment.hour_of_week

    def expect(self, moment: Moment, season: Array, positive: Bools) -> Array:
        """Return what is due of every node: its season, and by what this hour of the week differed from it, as far as that is sure.

        The correction is shrunk by its own uncertainty (James and Stein 1961): a difference seen once that is no larger than noise
        counts nothing.
        """
        row = self.row(moment)
        week, visits = self.week[row], self.visits[row] / np.float32(self._per_row)
        with np.errstate(all="ignore"):
            noise = self.noise.variance(season, season, np.abs(season)) / np.maximum(visits, 1)
            sure = 1 - 2 * noise / np.square(week)
            self._correction = np.where((sure > 0) & (visits > 0.5), week * sure, np.float32(0))
        due = season + self._correction
        self._season = season
        self._size = np.maximum(np.abs(due), np.abs(season))
        return np.asarray(np.where(positive, np.maximum(due, 0), due))

    def judge(self, at: int, moment: Moment, value: Array, expected: Array, explained: Array | None, known: Bools, silent: Array | None) -> Sign:
        """Return the signs of an interval.

        Parameters
        ----------
        at : number of the interval
        value, expected : float32 arrays, shape (nodes, measures)
        explained : what open incidents add to each node, which is no news; None where none is open
        known : whether a value and an expectation are known
        silent : -log10 of the chance of a series' silence in this interval, 0 where it reported or need not; None where all reported
        """
        with np.errstate(all="ignore"):
            clean = value if explained is None else value - explained
            residual = (clean - expected) * known
            row = self.row(moment)
            beside = (clean - self._season - self.week[row]) * known
            own = np.where(self.visits[row] > 0, _nearer(residual, beside), residual)
            own = self._beside_parents(own, clean, expected, known)
            due = expected * known
            variance = self.noise.variance(expected + own, expected, self._size)
            total = self._add_up(own, due, self._size * known)
            scale = self._scale()
            raw = self.sums / np.sqrt(total)
            z = self._of_known_scale(raw / scale)
            strength = self._shrink(z) / (self._gates * self._youth())
            strength *= np.abs(self.sums) >= self._least_effect() * np.abs(self.dues)
            strength *= self.noise.points >= self._ready_points
            sigmas = z[0]
            if silent is not None or self._was_silent:
                sigmas = self._add_silence(strength, sigmas, silent)
        self._explained = None if explained is None else explained != 0
        self._raw, self._row, self._last, self._scaled = raw, row, (clean - self._season) * known, scale
        self._own = own if explained is None else np.where(self._explained, (value - expected) * known, own)
        return Sign(value, expected, residual, variance, strength, sigmas, known, self.silence > 0)

    def _add_up(self, own: Array, due: Array, size: Array) -> Array:
        """Add an interval to the sums; return their variances, were intervals independent."""
        self.sums *= self._decay
        self.sums += own
        self.dues *= self._decay
        self.dues += due
        self.squares *= self._decay
        self.squares += np.square(size)
        root = np.sqrt(np.maximum(self.dues + self.sums, 0))
        root += np.sqrt(np.maximum(self.dues, 0))
        np.square(root, out=root)
        root *= self.noise.grain * np.float32(0.25)
        root += self.noise.share * self.squares
        root += self.noise.floor * self._lengths
        return np.maximum(root, TINY, out=root)

    def _youth(self) -> Array:
        """Return by how much more is asked of series whose weeks are not known yet."""
        if self._is_grown:
            return np.ones((1, 1), np.float32)
        weeks = self.noise.points / np.float32(7 * self._seasons.per_day)
        self._is_grown = bool(weeks.size) and float(weeks.min()) > 4
        return np.asarray(1 + 0.5 * np.clip((4 - weeks) / 2, 0, 1))

    def _add_silence(self, strength: Array, sigmas: Array, silent: Array | None) -> Array:
        """Let the silence of series that used to report count by its chance; return the deviations of the interval."""
        self.silence = np.where(silent > 0, self.silence + silent, 0) if silent is not None else np.zeros_like(self.silence)
        self._was_silent = silent is not None
        hush = -np.float32(2.146) * np.sqrt(self.silence)
        strength[0] = np.minimum(strength[0], np.where(hush < 0, hush / self._gates[0], strength[0]))
        return np.asarray(np.minimum(sigmas, np.where(hush < 0, hush, sigmas)))

    def learn(self, sign: Sign, open_: Bools | None) -> None:
        """Learn the interval; ``open_`` marks nodes and measures in which an incident goes on."""
        known = sign.known.astype(np.float32)
        with np.errstate(all="ignore"):
            self.noise.learn(self._own, self._size, sign.variance, known)
            weight = known if open_ is None else known * ~open_
            self._learn_week(sign, weight)
            if self._at % self._refresh == 0 or self._at < 3 * self._refresh:
                self.noise.settle(self._additive, self._counts)
            scale = self._scaled
            ready = known * (self.noise.points >= self._ready_points / 2)
            size = np.minimum(np.square(self._raw), np.square(FAR * scale))
            touched = _either(self._explained, open_)
            if touched is not None:
                size[:, touched] = np.square(3.0 * scale)[:, touched]
                ready = ready * np.where(touched, np.float32(0.5), np.float32(1))
            gain = ready / np.minimum(self.count + 1, self.span)
            size -= self.spread
            size *= gain
            self.spread += size
            self.count += ready
            self._learn_tails(ready)
        self._at += 1

    def _learn_week(self, sign: Sign, weight: Array) -> None:
        week, visits = self.week[self._row], self.visits[self._row]
        gain = weight / np.minimum(visits + 1, WEEK_VISITS * self._per_row)
        change = self._last - week
        if self._is_old:
            limit = 4 * np.sqrt(np.maximum(sign.variance, TINY))
            change = np.clip(change, -limit, limit)
        elif self._at % 100 == 0:
            self._is_old = bool(self.noise.points.size) and float(self.noise.points.max()) > 8 * 7 * self._seasons.per_day
        week += gain * change
        visits += weight

    def _scale(self) -> Array:
        """Return how far sums stray as a rule, in standard errors of independent noise."""
        own = np.minimum(self.count, self.span)
        prior = 2.0 * max(1, self._seasons.per_day) if not self._seasons.is_daily else 10.0
        return np.asarray(np.sqrt((own * self.spread + prior * np.square(self._prior)) / (own + prior)))

    def _of_known_scale(self, t: Array) -> Array:
        """Return the Gaussian deviations that are as rare as Student's (Wallace 1959): a scale from few sums is not sure."""
        far = np.nonzero(np.abs(t) > 2)
        if len(far[0]):
            freedom = self.count[far[1], far[2]] / self._lengths[far[0], 0, 0] + 2
            size = t[far]
            t[far] = np.sign(size) * np.sqrt(freedom * np.log1p(np.square(size) / freedom)) * ((8 * freedom + 1) / (8 * freedom + 3))
        return t

    def _shrink(self, z: Array) -> Array:
        """Return deviations less far, where those of a measure's nodes are further than Gaussian ones as a rule."""
        mean = (self.excess + 0.5 * USUAL_BEYOND * LIGHT) / (self.beyond + 0.5 * USUAL_BEYOND)
        heavy = np.maximum(mean / LIGHT, 1.0).astype(np.float32)
        z = z.copy()
        far = np.nonzero(np.abs(z) > BODY)
        if len(far[0]):
            size = z[far]
            z[far] = np.sign(size) * BODY * np.power(np.abs(size) / BODY, 1 / heavy[far[0], far[2]])
        return z

    def _learn_tails(self, ready: Array) -> None:
        tests = ready.sum(axis=0)
        if not tests.any():
            return
        size = np.abs(self._raw)
        size /= self._scaled
        far = np.nonzero(size > BODY)
        counts, logs = np.zeros((2, *self.excess.shape))
        weight = ready[far[1], far[2]]
        np.add.at(counts, (far[0], far[2]), weight)
        np.add.at(logs, (far[0], far[2]), np.minimum(np.log(size[far] / BODY), LARGEST_LOG) * weight)
        self.tests += 1
        gain = 1 / min(self.tests, self.span)
        tests = np.maximum(tests, 1)
        self.excess += gain * (logs / tests - self.excess)
        self.beyond += gain * (counts / tests - self.beyond)

    def _least_effect(self) -> float:
        return 0.04

    def _beside_parents(self, own: Array, clean: Array, expected: Array, known: Bools) -> Array:
        """Return residuals as far as the other nodes of no parent moved alike."""
        if not len(self.children):
            return own
        child, up = self.children, self.uppers
        ours, dues = clean[child], expected[child]
        rest, due = clean[up] - ours, expected[up] - dues
        shrink = np.maximum(COMMON * self.noise.grain, 1e-6)[child]
        ratio = (np.maximum(rest, 0) + shrink) / (np.maximum(due, 0) + shrink)
        apart = ours - dues * ratio
        apart = np.where((due > 0) & known[up] & self._sums_up, apart, own[child])
        for rows in self.rows_of:
            at = child[rows]
            own[at] = _nearer(own[at], apart[rows])
        return own

    def reset(self, nodes: Ints, measures: Sequence[int]) -> None:
        """Forget what has added up in nodes, because an incident explains it."""
        for m in measures:
            self.sums[:, nodes, m] = 0
            self.silence[nodes, m] = 0

    @property
    def gate(self) -> float:
        """Deviation of a single interval, in standard errors, that opens an incident."""
        return float(self._gates[0, 0, 0])

    @property
    def levels(self) -> Array:
        """What the strength of nodes counts, shape (nodes, 1)."""
        return self._levels

    def sigmas_of(self, nodes: Ints, measure: int, value: Array, expected: Array) -> Array:
        """Return how far values of nodes are off, in standard errors of a single interval."""
        variance = self.error_of(nodes, measure, expected, value - expected)
        return np.asarray((value - expected) / np.sqrt(np.maximum(variance, TINY)))

    def error_of(self, nodes: Any, measure: int, expected: Any, residual: Any) -> Any:
        """Return the variance of a single interval."""
        root = (np.sqrt(np.maximum(expected + residual, 0)) + np.sqrt(np.maximum(expected, 0))) / 2
        noise = self.noise
        variance = noise.grain[nodes, measure] * root**2 + noise.share[nodes, measure] * np.square(expected) + noise.floor[nodes, measure]
        return variance * np.square(self._scale()[0][nodes, measure])

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        own = {name: getattr(self, name) for name in self.STATE}
        return own | {"at": np.array([self._at, self.tests])} | {f"noise.{k}": v for k, v in self.noise.to_arrays().items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in self.STATE:
            setattr(self, name, arrays[name])
        self._at, self.tests = int(arrays["at"][0]), float(arrays["at"][1])
        self.noise.restore({k.removeprefix("noise."): v for k, v in arrays.items() if k.startswith("noise.")})


def _nearer(one: Array, other: Array) -> Array:
    """Return the smaller of two deviations where they agree on the side, else 0 (minmod)."""
    return np.where(one * other > 0, np.where(np.abs(one) < np.abs(other), one, other), np.float32(0))


def _either(one: Bools | None, other: Bools | None) -> Bools | None:
    if one is None or other is None:
        return one if other is None else other
    return one | other


def _windows(settings: Settings) -> list[int]:
    step = settings.interval_seconds
    if step >= 86_400:
        return [1, *OF_DAYS]
    hours = [round(h * 3600 / step) for h in HOURS]
    short = list(INTERVALS) if step < 3600 else [2]
    return sorted({1, *short, *hours})


def _parents_of(scene: HierarchyIndex) -> list[Ints]:
    """Return, per dimension, the node of each node with that dimension rolled up, -1 where there is none."""
    found = []
    for d in range(len(scene.settings.dimensions)):
        up = np.full(len(scene.nodes), -1, np.int64)
        for number, node in enumerate(scene.nodes):
            if node[d] != ANY:
                up[number] = scene.numbers.get((*node[:d], ANY, *node[d + 1 :]), -1)
        found.append(up)
    return found
