"""Evidence of all nodes, an interval at a time: residuals beside week and parents, added up, in units of what opens an incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.accounts import Bools, Kinds
from l4m.engine.evidence.noise import TINY, Array, Noise
from l4m.engine.evidence.spread import Spread
from l4m.engine.evidence.week import WeekCourse
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.settings import Settings

HOURS, INTERVALS, OF_DAYS = (3, 8, 24), (2, 4), (2, 4, 7)  # windows beside the single interval: in hours, short ones in intervals, in days
SPAN_DAYS, SPAN_OF_DAYS = 28.0, 56.0  # longest memory of noise and spread, in days; the second where an interval is a day
FALSE_A_WEEK = 0.02  # incidents of each window, all nodes and measures together, if noise were Gaussian
MARGIN = 1.2  # times the deviation that has that chance: noise is not Gaussian, and scales are estimates
LEAST_GATE = 4.3  # however few series there are
COMMON_PARTS = 400.0  # parts whose counting noise is as large as what all nodes share, 5 %
LEAST_EFFECT = 0.04  # of what was due; less is no news, however sure
SMALL_EFFECT, SMALL_WEIGHT = 0.2, 0.5  # a change below this share has to be surer, one of nothing twice as sure
YOUNG_WEEKS, GROWN_WEEKS, CAUTION = 2.0, 4.0, 0.15  # by so much more has to be shown before the week is known
DEPTH_BONUS = 0.02  # by which a finer node of like strength goes before a coarser one
MOST_ROWS = 96  # parts of a day in the course of the week: quarters of an hour
SILENCE = 2.146  # root of 2 ln 10: what -log10 of a chance is as a Gaussian deviation

Ints = NDArray[np.int64]


@dataclass
class Signs:
    """What one interval says; arrays of shape (nodes, measures).

    Attributes
    ----------
    value, due : accounts: what came, and what was due
    variance : of a single interval around what was due
    known : a value and an expectation are known
    strength : shape (windows, nodes, measures), deviation in units of what opens an incident; its sign is the side
    """

    value: Array
    due: Array
    variance: Array
    known: Bools
    strength: Array

    @property
    def is_news(self) -> bool:
        """Whether anything is strong enough to open an incident."""
        return bool(self.strength.size) and bool(max(self.strength.max(), -self.strength.min()) >= 1)


def gate_of(tests: float, sensitivity: float) -> float:
    """Return the deviation, in standard errors, that opens an incident when so many are looked at in a week (Bonferroni).

    Examples
    --------
    >>> round(gate_of(168, 50), 1), round(gate_of(100_000, 50), 1)
    (4.6, 6.2)
    """
    chance = min(0.4, FALSE_A_WEEK / max(tests, 1.0)) / 2
    gate = max(LEAST_GATE, -MARGIN * NormalDist().inv_cdf(chance))
    return gate * float(np.interp(sensitivity, [0, 50, 100], [1.4, 1.0, 0.75]))


def windows_of(settings: Settings) -> list[int]:
    """Return the lengths of the windows, in intervals, shortest first.

    >>> windows_of(Settings(interval_seconds=3600, measures=()))
    [1, 2, 3, 8, 24]
    """
    step = settings.interval_seconds
    if step >= 86_400:
        return [1, *OF_DAYS]
    short = INTERVALS if step < 3_600 else INTERVALS[:1]
    return sorted({1, *short, *(round(hours * 3_600 / step) for hours in HOURS)})


class Evidence:
    """Judges nodes and remembers how far they stray as a rule.

    A residual counts only as far as (1) this hour of the week did not stray to that side before and (2) the rest of no parent
    moved alike (minmod: the smallest of the deviations where all agree on the side, else nothing). So a node that only
    follows its country says nothing, and the place of an incident shows where it begins. Residuals add up over windows
    (decaying sums), for those that are small against the noise of an interval.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        seasons = Seasons.of(settings)
        per_day, measures = seasons.per_day, len(settings.measures)
        self._settings, self._is_daily, self._measures = settings, seasons.is_daily, measures
        self._per_week = 7 * per_day
        self.windows = windows_of(settings)
        span = SPAN_OF_DAYS if seasons.is_daily else SPAN_DAYS * per_day
        self.noise = Noise(0, measures, span)
        self.spread = Spread(self.windows, measures, span, 10.0 if seasons.is_daily else 2.0 * per_day)
        self._rows = 7 if seasons.is_daily else 7 * min(per_day, MOST_ROWS)
        self.week = WeekCourse(self._rows, measures, per_day)
        self.sums, self.dues, self.squares = (np.zeros((len(self.windows), 0, measures), np.float32) for _ in range(3))
        self.silence = np.zeros((0, measures), np.float32)
        self._decay = np.array([1 - 1 / w if w > 1 else 0.0 for w in self.windows], np.float32)[:, None, None]
        self._lengths = np.array(self.windows, np.float32)[:, None, None]
        self._ready = 14 if seasons.is_daily else min(100, 5 * per_day)
        self._refresh = 1 if seasons.is_daily else max(1, per_day // 4)
        self.clean = self.silence  # what came in the last interval without what incidents explain
        self._at = 0
        self._is_grown = False

    def grow(self, index: HierarchyIndex, tracked: Ints) -> None:
        """Make room for nodes that have appeared; ``tracked`` are the numbers of those that are judged, ascending."""
        more = len(tracked) - self.sums.shape[1]
        if more:
            blank = np.zeros((len(self.windows), more, self._measures), np.float32)
            self.sums, self.dues, self.squares = (np.concatenate([one, blank], axis=1) for one in (self.sums, self.dues, self.squares))
            self.silence = np.concatenate([self.silence, blank[0]])
            for part in (self.noise, self.spread, self.week):
                part.grow(len(tracked))
            self._is_grown = False
        self._children, self._parents, self._ranges = _families(index, tracked)
        self.levels = (1 + DEPTH_BONUS * index.depths[tracked]).astype(np.float32)[:, None]
        self._is_leaf = np.isin(tracked, index.leaf_nodes)
        self._begun = -1

    def _set_gates(self) -> None:
        """Ask for as much as the series that have begun make necessary; what may come later changes nothing."""
        begun = int(np.count_nonzero(self.noise.points))
        if begun != self._begun:
            self._begun, sensitivity, tests = begun, self._settings.sensitivity, self._per_week * begun
            self._gates = np.array([gate_of(tests / length, sensitivity) for length in self.windows], np.float32)[:, None, None]

    @property
    def gate(self) -> float:
        """Deviation of a single interval, in standard errors, that opens an incident."""
        return float(self._gates[0, 0, 0])

    def row(self, moment: Moment) -> int:
        """Return the row of an interval in the course of the week."""
        if self._is_daily:
            return moment.weekday
        per_day = self._rows // 7
        return moment.weekday * per_day + moment.phase * per_day * 7 // self._per_week

    def expect(self, moment: Moment, season: Array, is_positive: Bools) -> Array:
        """Return what is due: the season of the detector or the course of the week, whichever errs less."""
        with np.errstate(all="ignore"):
            due, self._lenient = self.week.expect(self.row(moment), season, is_positive)
        return np.asarray(np.where(is_positive, np.maximum(due, 0), due), np.float32)

    def judge(
        self,
        moment: Moment,
        kinds: Kinds,
        value: Array,
        due: Array,
        known: Bools,
        *,
        explained: Array | None = None,
        silent: Array | None = None,
    ) -> Signs:
        """Return the signs of an interval.

        Parameters
        ----------
        value, due : float32 arrays, shape (nodes, measures)
            Accounts, the second from ``expect``.
        known : bool array of that shape
        explained : float32 array of that shape, or None
            What open incidents add to each node, which is no news.
        silent : float32 array of that shape, or None
            -log10 of the chance of a series' silence in this interval, 0 where it reported or need not.
        """
        self._set_gates()
        with np.errstate(all="ignore"):
            clean = value if explained is None else value - explained
            self._clean = clean
            residual = (clean - due) * known
            own = np.where(self._lenient == due, residual, _nearer(residual, (clean - self._lenient) * known))
            own = self._beside_parents(kinds, own, clean, due, known)
            self._size = np.maximum(np.abs(due), np.abs(self._lenient)) * known
            variance = self.noise.variance(due + own, due, self._size)
            self._raw = self._add_up(own, due * known)
            self._scale = self.spread.scale()
            strength = self.spread.standardise(self._raw, self._scale)
            strength /= self._gates * self._caution()
            strength *= self._weigh_effect()
            strength *= self.noise.points >= self._ready
            self._add_silence(strength, silent)
        self._row, self._explained = self.row(moment), None if explained is None else explained != 0
        self._own = own if self._explained is None else np.where(self._explained, (value - due) * known, own)
        return Signs(value, due, variance, known, strength)

    def learn(self, kinds: Kinds, signs: Signs, is_open: Bools | None) -> None:
        """Learn the interval that was judged; ``is_open`` marks nodes and measures in which an incident goes on."""
        known = signs.known.astype(np.float32)
        with np.errstate(all="ignore"):
            self.noise.learn(self._own, self._size, signs.variance, known)
            weight = known if is_open is None else known * ~is_open
            self.clean = self._clean if is_open is None else np.where(is_open, signs.due, self._clean)
            self.week.learn(self._row, self.clean, known, weight)
            if self._at % self._refresh == 0 or self._at < 3 * self._refresh:
                self.noise.settle(kinds.is_additive, kinds.is_count, self._is_leaf)
            touched = is_open if self._explained is None else self._explained if is_open is None else self._explained | is_open
            ready = known * (self.noise.points >= self._ready / 2)
            self.spread.learn(self._raw, self._scale, ready, touched)
        self._at += 1

    def _beside_parents(self, kinds: Kinds, own: Array, clean: Array, due: Array, known: Bools) -> Array:
        """Return residuals as far as the rest of no parent moved alike.

        A node is due its share of what the rest of a parent has; the rest's change is shrunk by its counting noise.
        """
        if not len(self._children):
            return own
        child, up = self._children, self._parents
        ours, dues = clean[child], due[child]
        rest, rest_due = clean[up] - ours, due[up] - dues
        doubt = np.maximum(np.float32(COMMON_PARTS) * self.noise.grain, np.float32(1e-6))[child]
        change = (np.maximum(rest, 0) + doubt) / (np.maximum(rest_due, 0) + doubt)
        apart = np.where((rest_due > 0) & known[up] & kinds.is_additive, ours - dues * change, own[child])
        for rows in self._ranges:
            own[child[rows]] = _nearer(own[child[rows]], apart[rows])
        return own

    def _add_up(self, own: Array, due: Array) -> Array:
        """Add an interval to the sums; return them in standard errors of independent noise."""
        np.multiply(self.sums, self._decay, out=self.sums)
        np.multiply(self.dues, self._decay, out=self.dues)
        np.multiply(self.squares, self._decay, out=self.squares)
        self.sums += own
        self.dues += due
        self.squares += np.square(self._size)
        return np.asarray(self.sums / np.sqrt(self.noise.sum_variance(self.sums, self.dues, self.squares, self._lengths)))

    def _weigh_effect(self) -> Array:
        """Return what sums count for by their share of what was due: small changes have to be surer, trifles count nothing."""
        share = np.abs(self.sums) / np.maximum(np.abs(self.dues), TINY)
        weight = np.minimum(SMALL_WEIGHT + (1 - SMALL_WEIGHT) / SMALL_EFFECT * share, 1)
        return np.asarray(weight * (share >= LEAST_EFFECT))

    def _caution(self) -> Array:
        """Return by how much more is asked of series whose weeks are not known yet."""
        if self._is_grown:
            return np.ones((1, 1), np.float32)
        weeks = self.noise.points / np.float32(self._per_week)
        self._is_grown = bool(weeks.size) and float(weeks.min()) > GROWN_WEEKS
        return np.asarray(1 + np.float32(CAUTION) * np.clip((GROWN_WEEKS - weeks) / (GROWN_WEEKS - YOUNG_WEEKS), 0, 1))

    def _add_silence(self, strength: Array, silent: Array | None) -> None:
        """Let the silence of series that used to report count by its chance."""
        if silent is None:
            self.silence[:] = 0
            return
        self.silence = np.where(silent > 0, self.silence + silent, np.float32(0))
        hush = -np.float32(SILENCE) * np.sqrt(self.silence) / self._gates[0]
        np.minimum(strength[0], hush, out=strength[0], where=self.silence > 0)

    def reset(self, nodes: Ints, measures: Sequence[int]) -> None:
        """Forget what has added up in nodes, because an incident explains it."""
        for measure in measures:
            self.sums[:, nodes, measure] = 0
            self.silence[nodes, measure] = 0

    def variance(self, nodes: Any, value: Array, due: Array) -> Array:
        """Return the variance of a single interval of some nodes, arrays of shape (nodes, measures)."""
        noise = self.noise.variance(value, due, np.abs(due), nodes)
        return np.asarray(noise * np.square(self.spread.scale()[0][nodes]))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        own = {"sums": self.sums, "dues": self.dues, "squares": self.squares, "silence": self.silence, "at": np.array([self._at])}
        for name, part in (("noise", self.noise), ("spread", self.spread), ("week", self.week)):
            own |= {f"{name}.{key}": array for key, array in part.to_arrays().items()}
        return own

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.sums, self.dues, self.squares, self.silence = (arrays[name] for name in ("sums", "dues", "squares", "silence"))
        self._at = int(arrays["at"][0])
        for name, part in (("noise", self.noise), ("spread", self.spread), ("week", self.week)):
            part.restore({key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")})


def _nearer(one: Array, other: Array) -> Array:
    """Return the smaller of two deviations where they agree on the side, else 0 (minmod)."""
    return np.where(one * other > 0, np.where(np.abs(one) < np.abs(other), one, other), np.float32(0))


def _families(index: HierarchyIndex, tracked: Ints) -> tuple[Ints, Ints, list[slice]]:
    """Return pairs of nodes and parents, by place among the tracked, and the ranges of pairs with one dimension rolled up."""
    places = {int(node): place for place, node in enumerate(tracked)}
    children: list[int] = []
    parents: list[int] = []
    ranges = []
    for d in range(len(index.settings.dimensions)):
        first = len(children)
        for place, number in enumerate(tracked.tolist()):
            node = index.nodes[number]
            up = -1 if node[d] == ANY else places.get(index.numbers.get((*node[:d], ANY, *node[d + 1 :]), -1), -1)
            if up >= 0:
                children.append(place)
                parents.append(up)
        ranges.append(slice(first, len(children)))
    return np.array(children, np.int64), np.array(parents, np.int64), ranges
