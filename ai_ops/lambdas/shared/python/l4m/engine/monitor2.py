"""The monitor: all measures of a metric set from values to incidents; learning, backtest and live runs go through it alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.engine.detection.detector import Detector
from l4m.engine.detection.stages.mask_learning import LearningMask
from l4m.engine.following.tracker import Leaves, Tracker
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.measure_traits import TraitFinder
from l4m.engine.hierarchy.rollups import ANY, Rollups
from l4m.engine.results import Cause, Incident
from l4m.engine.root_cause.localize import Moves, locate
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.settings import Settings
from l4m.engine.signs.presence import REGULAR, Presence
from l4m.engine.signs.signs import Signs
from l4m.model import Aggregation

COLD = {86_400: 14}
Array = NDArray[np.float32]


class Monitor2:
    def __init__(self, settings: Settings) -> None:
        self.s = settings
        self.cube = Rollups(len(settings.dimensions), settings.rollups)
        self.det = Detector(settings, 0)
        self.seasons = Seasons.of(settings)
        self.M = len(settings.measures)
        self.sum = np.array([one.aggregation is Aggregation.SUM for one in settings.measures])
        self.finder = TraitFinder(settings.measures)
        self.positive = np.ones(self.M, bool)
        self.counts = self.sum.copy()
        self.weighted = np.zeros(self.M, bool)
        self.signs = Signs(settings, self.sum.copy(), self.counts, self.weighted)
        self.tracker = Tracker(settings)
        self.presence = Presence(7 if self.seasons.is_daily else 168, self.M)
        self.at = 0
        self.start0 = 0
        self.cold = COLD.get(settings.interval_seconds, 300)
        self.young_for = 7 if self.seasons.is_daily else 2 * self.seasons.per_day
        self.out: dict[str, Any] = {}
        self.pending: set[int] = set()  # young leaves in incidents

    def align(self, block: Block) -> Block:
        named = {leaf: c for c, leaf in enumerate(block.leaves)}
        fresh = [c for leaf, c in named.items() if self.cube.find(leaf) is None]
        if fresh:
            seen = ~np.isnan(block.values[:, :, fresh]).all(axis=0)
            first = np.where(seen.any(axis=0), seen.argmax(axis=0), -1)
            arrived = sorted((int(a), tuple(block.leaves[c])) for a, c in zip(first, fresh, strict=True) if a >= 0)
            self.cube.add(leaf for _, leaf in arrived)
        self.scene = HierarchyIndex.of(self.s, self.cube)
        self.det.grow(len(self.cube.nodes) * self.M)
        self.signs.grow(self.scene)
        self.presence.grow(len(self.cube.nodes))
        self.tracker.begin(self.scene)
        cols = np.array([named.get(leaf, -1) for leaf in self.cube.leaves])
        pick = lambda a: None if a is None else np.where(cols >= 0, a[:, :, np.maximum(cols, 0)], np.nan).astype(np.float32)
        return Block(block.start, pick(block.values), self.cube.leaves, pick(block.weights))

    def observe(self, block: Block) -> dict[str, Any]:
        block = self.align(block)
        if self.at == 0:
            self.start0 = block.start
            if block.weights is not None:
                self.weighted |= np.array([(not s) and bool((np.nan_to_num(w, nan=1) != 1).any()) for s, w in zip(self.sum, block.weights)])
        facts = self.finder.observe(block.values)
        for t in range(block.values.shape[1]):
            self.positive = facts.is_positive[t]
            self.signs._additive = (self.sum | self.weighted) & self.positive
            self.signs._counts = self.sum & facts.is_count[t]
            self.signs._sums_up = self.signs._additive
            self.step(block.values[:, t].T, None if block.weights is None else block.weights[:, t].T, block.start + t * self.s.interval_seconds)
        return self.out

    def step(self, leaf: Array, weights: Array | None, start: int) -> None:
        L, M, N = leaf.shape[0], self.M, len(self.cube.nodes)
        scene, det = self.scene, self.det
        moment = self.seasons.moment(start)
        ln = scene.leaf_nodes
        absent = np.isnan(leaf)
        row = self.signs.row(moment)
        presence = self.presence.share(row)
        seen = det.seen.reshape(N, M)
        fill = absent & (presence[ln] < REGULAR) & (seen[ln] > 0) & self.sum
        values = np.where(fill, np.float32(0), leaf)
        here = ~np.isnan(values)
        W = np.ones((L, M), np.float32) if weights is None else np.where(self.weighted, np.nan_to_num(weights), 1).astype(np.float32)
        W *= here | self.sum
        filled = np.where(here, values, np.float32(0))
        up = scene.add_up(np.concatenate([filled * W, here, W], axis=1))
        YN, here_n, WN = up[:, :M], up[:, M:2*M], up[:, 2*M:]
        nodes = np.where(self.sum, YN, YN / np.maximum(WN, 1e-12))
        nodes[here_n == 0] = np.nan
        nodes[ln] = values
        # lesson
        masked = self.tracker.masked
        lesson = None
        if masked.any():
            lesson = self._lesson(masked, values, W, WN, start, moment)
        silent_now = np.isnan(nodes)
        scores = det.run(nodes.reshape(1, -1), start, mask=lesson)
        usual = scores.usual[0].reshape(N, M)
        usual = np.where(self.positive, np.maximum(usual, 0), usual)
        is_young = (seen < self.young_for)
        if self.at >= self.cold:
            is_pending = np.zeros(N, bool)
            is_pending[ln[list(self.pending)]] = True
            known = np.isfinite(usual) & (self.sum | ~is_young)
        else:
            known = np.isfinite(usual) & ~is_young
        value = np.where(self.sum & silent_now, 0, nodes)
        chance = self.presence.chance(presence)
        if not (silent_now & (presence >= REGULAR)).any():
            silent = None
        else:
          silent = np.where(silent_now & (presence >= REGULAR) & (seen > self.young_for) & (moment.holiday == 0) & ~self.weighted, -np.log10(chance), 0).astype(np.float32)
        # additive forms
        avg = ~self.sum
        Y, B = value.copy(), usual.copy()
        if avg.any():
            for m in np.flatnonzero(avg):
                if self.weighted[m]:
                    Y[:, m] = np.where(WN[:, m] > 0, np.nan_to_num(value[:, m]) * WN[:, m], 0)
                    B[:, m] = np.where(WN[:, m] > 0, usual[:, m] * WN[:, m], 0)
                else:
                    lv, lb = np.nan_to_num(value[ln, m]) * W[:, m], np.where(W[:, m] > 0, usual[ln, m], 0)
                    Y[:, m], B[:, m] = self._sum_up(lv[:, None])[:, 0], self._sum_up(lb[:, None].astype(np.float32))[:, 0]
        known &= np.isfinite(Y) & np.isfinite(B)
        Y, B = np.where(known, Y, 0).astype(np.float32), np.where(known, B, 0).astype(np.float32)
        is_new = np.zeros((N, M), bool)
        if self.at >= self.cold:
            is_new = (is_young | is_pending[:, None]) & self.sum
        B = np.where(is_new, 0, self.signs.expect(moment, B, self.positive)).astype(np.float32)
        yl, bl = Y[ln], B[ln]
        explained = None
        if masked.any():
            explained = self._sum_up(np.concatenate([np.where(masked, yl - bl, 0), masked], axis=1).astype(np.float32))
            if silent is not None:
                silent = np.where(explained[:, M:] > 0, 0, silent)
            explained = explained[:, :M]
        sign = self.signs.judge(self.at, moment, Y, B, explained, known, silent)
        if self.at >= self.cold:
            variance = self._leaf_variance(ln, yl, bl) if self.tracker.open or np.abs(sign.strength).max(initial=0) >= 1 else None
            self.tracker.step(self.at, sign, self.signs, Leaves(yl, bl, variance, absent))
            for leaves, factors in self.tracker.to_rescale:
                self._rescale(leaves, factors)
            self._mark_young(seen[ln].max(axis=1) < self.young_for)
        else:
            self.tracker._history.push(yl, bl, ~absent)
        now = self.tracker.masked
        new = None
        if now.any() or masked.any():
            if (now & ~masked).any():
                new = self._sum_up((now | masked).astype(np.float32)) > 0
            else:
                new = np.zeros((N, M), bool)
                new[ln] = now | masked
        self.signs.learn(sign, new)
        here_nodes = here_n > 0
        reported = (scene.add_up(np.where(absent, 0, 1).astype(np.float32)) > 0)
        leafnow = np.zeros((N, M), bool)
        leafnow[ln] = now
        self.presence.learn(row, reported, (moment.holiday == 0) & ~leafnow)
        for key, one in self.tracker.changed.items():
            self.out[key] = one
        self.tracker.changed = {}
        self.at += 1

    def _week_of(self, row, nodes, ms, season):
        sg = self.signs
        week, visits = sg.week[row][nodes, ms], sg.visits[row][nodes, ms] / sg._per_row
        noise = (sg.noise.grain[nodes, ms] * np.maximum(season, 0) + sg.noise.share[nodes, ms] * season**2 + sg.noise.floor[nodes, ms]) / np.maximum(visits, 1)
        with np.errstate(all="ignore"):
            sure = 1 - 2 * noise / week**2
            return np.where((sure > 0) & (visits > 0.5), week * sure, 0)

    def _mark_young(self, young: NDArray[np.bool_]) -> None:
        for one in self.tracker.open:
            for leaf in np.flatnonzero(one.leaves & young):
                self.pending.add(int(leaf))

    def _leaf_variance(self, ln, yl, bl):
        n, sg = self.signs.noise, self.signs
        root = (np.sqrt(np.maximum(yl, 0)) + np.sqrt(np.maximum(bl, 0))) / 2
        return (n.grain[ln] * root**2 + n.share[ln] * bl**2 + n.floor[ln]) * sg._scale()[0][ln] ** 2

    def _sum_up(self, leaf: Array) -> Array:
        return self.scene.add_up(leaf)

    def _sum_up_old(self, leaf: Array) -> Array:
        scene, N = self.scene, len(self.cube.nodes)
        out = np.zeros((N, leaf.shape[1]), np.float32)
        out[scene.leaf_nodes] = leaf
        for members in scene.members:
            for m in range(leaf.shape[1]):
                ok = members >= 0
                out[:, m] += np.bincount(members[ok], leaf[ok, m], N).astype(np.float32)
        return out

    def _lesson(self, masked, values, W, WN, start, moment) -> LearningMask:
        scene, M = self.scene, self.M
        lf, ms = np.nonzero(masked)
        series = scene.leaf_nodes[lf] * M + ms
        season = self.det.season(series, start)
        pend = np.array([l in self.pending for l in lf], bool)
        season = np.where(self.positive[ms], np.maximum(season, 0), season)
        row = self.signs.row(moment)
        season = season + self._week_of(row, scene.leaf_nodes[lf], ms, season)
        season = np.where(self.positive[ms], np.maximum(season, 0), season)
        season = np.where(pend & self.sum[ms], 0, season)
        gone = np.zeros(masked.shape, np.float32)
        gone[lf, ms] = (np.nan_to_num(values[lf, ms]) - season) * np.where(self.sum[ms], 1, W[lf, ms])
        total = self._sum_up(gone)
        total[scene.leaf_nodes] = 0
        node, m = np.nonzero(total)
        change = -total[node, m] / np.where(self.sum[m], 1, np.maximum(WN[node, m], 1e-9))
        return LearningMask(series[~pend], node * M + m, change.astype(np.float32))

    def _rescale(self, leaves, factors) -> None:
        scene, M = self.scene, self.M
        idx = np.flatnonzero(leaves)
        for m, f in factors.items():
            series = scene.leaf_nodes[idx] * M + m
            pend = np.array([i in self.pending for i in idx], bool)
            old, w = series[~pend], None
            if not np.isfinite(f):
                f = 1.0
            counts = np.zeros(len(scene.leaves))
            for members in scene.members:
                for node in np.unique(members[idx]):
                    if node < 0 or node in scene.leaf_nodes:
                        continue
                    inside = idx[members[idx] == node]
                    src = scene.leaf_nodes[inside] * M + m
                    p = np.array([i in self.pending for i in inside], bool)
                    if self.sum[m]:
                        self.det.add_season(node * M + m, src, np.where(p, 1.0, f - 1).astype(np.float32))
                    elif len(inside):
                        size = (members == node).sum()
                        self.det.add_season(node * M + m, src, np.full(len(src), (f - 1) / size, np.float32))
            if len(old):
                self.det.rescale(old, np.full(len(old), f, np.float32))
        self.pending -= set(idx.tolist())

    def incidents(self) -> list[Incident]:
        return [self.describe(one) for one in self.out.values()]

    def describe(self, one: Any) -> Incident:
        scene = self.scene
        m = one.lead
        actual, due, var = (np.pad(getattr(one, n), ((0, 0), (0, len(scene.leaves) - getattr(one, n).shape[1]))) for n in ("actual", "due", "variance"))
        leaves = np.pad(one.leaves, (0, len(scene.leaves) - len(one.leaves)))
        from l4m.engine.following.tracker import _smooth
        moves = Moves.of(*_smooth(actual[m], due[m]), np.sqrt(np.maximum(var[m], 1e-12)))
        places = [p for p in locate(scene.cuboids, moves) if leaves[p.leaves].any() and p.sign == one.side]
        whole = abs((actual[m] - due[m]).sum()) + 1e-12
        causes = [(p.dimensions, p.leaves) for p in places]
        if not causes:
            node = one.node
            causes = [(tuple(d for d, v in enumerate(scene.nodes[node]) if v != ANY), np.flatnonzero(leaves))]
        made = []
        for dims, lv in causes:
            e = due[m, lv].sum()
            made.append(Cause(scene.name_place(dims, int(lv[0])), round(100 * abs((actual[m, lv] - due[m, lv]).sum()) / whole, 2), float(actual[m, lv].sum() / e - 1) if e else 0.0))
        f = 100 * (1 - 0.5 / max(one.strength, 1))
        names = [x.name for x in self.s.measures]
        missing = one.side < 0 and one.absent[m, one.leaves].sum() * 2 > (one.due[m, one.leaves] - one.actual[m, one.leaves]).sum()
        s0, st = self.start0, self.s.interval_seconds
        return Incident(one.id, s0 + one.start * st, s0 + one.end * st, round(f, 2), "up" if one.side > 0 else "down", "missing" if missing else "value", tuple(names[k] for k in one.onsets), tuple(made), int(leaves.sum()))
