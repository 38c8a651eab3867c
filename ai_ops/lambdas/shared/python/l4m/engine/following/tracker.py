"""Following incidents: opening, extending and ending them, and saying what has become the rule."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.following.history import MOST_VALUES, History
from l4m.engine.following.incident import OpenIncident
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.root_cause.localize import Moves, Place, locate
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.settings import Settings
from l4m.engine.signs.signs import Sign, Signs

MOST_NEW = 8  # incidents that one interval opens
STAYS = 0.35  # of its mean effect, at which an incident goes on
LEAVING = 2.0  # standard errors, and so many
LASTING_DAYS, LASTING_OF_DAYS = 4, 7  # after which what goes on is the rule; the second where an interval is a day
RETURN_DAYS = 28  # for which a change that became the rule may be undone
ALIKE = 0.3  # by how much of its log the way back may differ
CLOSED = 0.05  # of what is due on average; an interval in which less is due says nothing
OVERLAP = 0.5
Bools = NDArray[np.bool_]
Array = NDArray[np.float32]


@dataclass(eq=False)
class Rebased:
    """A change that became the rule: the factor of each measure."""

    leaves: Bools
    factors: dict[int, float]
    side: int
    at: int


@dataclass
class Leaves:
    """One interval of the leaves; arrays of shape (leaves, measures)."""

    value: Array
    due: Array
    variance: Array
    absent: Bools


class Tracker:
    """Turns signs into incidents."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._seasons = settings, Seasons.of(settings)
        self._measures = len(settings.measures)
        per_day = self._seasons.per_day
        self._is_daily = self._seasons.is_daily
        self._lasting = LASTING_OF_DAYS if self._is_daily else LASTING_DAYS * per_day
        self._patience = 1 if self._is_daily else max(2, per_day // 24)
        self._day = 1 if self._is_daily else per_day
        self.open: list[OpenIncident] = []
        self.rebased: list[Rebased] = []
        self.changed: dict[str, OpenIncident] = {}
        self.closed: list[OpenIncident] = []  # lately
        self.to_rescale: list[tuple[Bools, dict[int, float]]] = []
        self.log: list[str] = []
        self._history: History | None = None
        self.gone = np.zeros((0, self._measures), bool)  # leaves whose silence was told and has lasted

    def begin(self, scene: HierarchyIndex) -> None:
        """Get ready for leaves that have appeared."""
        self._scene = scene
        leaves = len(scene.leaves)
        if self._history is None:
            longest = 30 if self._is_daily else 3 * self._day
            fits = MOST_VALUES // max(1, leaves * self._measures)
            self._history = History(self._measures, max(2, min(longest, fits)))
        self._history.grow(leaves)
        self.gone = np.pad(self.gone, ((0, leaves - len(self.gone)), (0, 0)))
        for one in [*self.open, *self.closed]:
            _resize(one, leaves)
        for two in self.rebased:
            two.leaves = _pad(two.leaves, leaves)

    @property
    def masked(self) -> Bools:
        """Leaves and measures in which an incident is open, shape (leaves, measures)."""
        found = self.gone.copy()
        for one in self.open:
            for m in one.onsets:
                found[one.leaves, m] = True
        return found

    def step(self, at: int, sign: Sign, signs: Signs, leaves: Leaves) -> None:
        """Take one interval into account."""
        self.to_rescale, self._variance = [], leaves.variance
        self.gone &= leaves.absent
        self._history.push(leaves.value, leaves.due, ~leaves.absent)
        for one in list(self.open):
            self._follow(one, at, signs, leaves)
        self._look_inside(at, signs, leaves)
        strength = np.abs(sign.strength).max(axis=0) if sign.strength.size else np.zeros((0, 0))
        if strength.size and strength.max() >= 1:
            self._look(at, sign, signs, leaves)

    # --- what goes on

    def _follow(self, one: OpenIncident, at: int, signs: Signs, leaves: Leaves) -> None:
        if self._is_interrupted(one):
            return
        m = one.lead
        value, due = leaves.value[one.leaves, m].sum(), leaves.due[one.leaves, m].sum()
        gone = float(value - due)
        span = max(1.0, one.window / 3)
        one.recent += (gone - one.recent) / span
        one.recent_due += (due - one.recent_due) / span
        elapsed = max(1, at - one.start)
        usual_due = float(one.due[m, one.leaves].sum()) / elapsed
        if due < CLOSED * usual_due and gone * one.side <= 0 and not one.is_young:
            if at - one.end > self._lasting:
                self._close(one, at)
            return
        error = float(np.sqrt(max(signs.error_of(one.node, m, one.recent_due, one.recent), 1e-12)))
        effect = one.effect()
        far = one.side * one.recent >= STAYS * abs(effect) * max(one.recent_due, 1e-12)
        sure = one.side * one.recent >= LEAVING * error / np.sqrt(span)
        silent = bool(leaves.absent[one.leaves, m].all()) and one.side < 0 and one.absent[m].sum() > 0
        if (far and sure) or silent:
            one.end, one.quiet = at, 0
            self._add(one, leaves)
            self.changed[one.id] = one
        else:
            one.quiet += 1
            if one.quiet > self._patience:
                self._close(one, at)
                return
        if at - one.start >= self._lasting and one.quiet == 0:
            self._become_rule(one, at)

    def _is_interrupted(self, one: OpenIncident) -> bool:
        """Whether another incident of the other side goes on in most of the place."""
        return any(
            other is not one and other.start > one.start and other.side != one.side and other.quiet == 0
            and (other.leaves & one.leaves).sum() >= OVERLAP * one.leaves.sum()
            for other in self.open
        )

    def _add(self, one: OpenIncident, leaves: Leaves) -> None:
        one.actual += leaves.value.T
        one.due += leaves.due.T
        one.variance += leaves.variance.T
        one.absent += (leaves.absent * np.maximum(leaves.due, 0)).T

    def _close(self, one: OpenIncident, at: int) -> None:
        self.changed[one.id] = one
        self.open.remove(one)
        self.closed = [old for old in self.closed if at - old.end <= 2 * self._day] + [one]

    def _become_rule(self, one: OpenIncident, at: int) -> None:
        """Let what has lasted be the rule."""
        one.is_lasting = True
        if one.side < 0 and one.absent[one.lead].sum() * 2 > (one.due - one.actual)[one.lead][one.leaves].sum():
            for m in range(self._measures):
                self.gone[one.leaves, m] = True
            self._close(one, at)
            return
        slots = self._history.slots(at - self._day + 1)
        factors = {}
        for m in one.onsets:
            value = float(self._history.value[slots][:, one.leaves, m].sum())
            due = float(self._history.due[slots][:, one.leaves, m].sum())
            factors[m] = value / due if due > 1e-9 else float("inf")
        self.to_rescale.append((one.leaves.copy(), factors))
        self.rebased.append(Rebased(one.leaves.copy(), factors, one.side, at))
        self.log.append(f"{at} rule {one.id} {factors}")
        self._close(one, at)

    # --- what is new

    def _look_inside(self, at: int, signs: Signs, leaves: Leaves) -> None:
        """Look for what goes through an open incident and out on the other side."""
        for one in list(self.open):
            if at <= one.start:
                continue
            for m in list(one.onsets):
                inside = np.flatnonzero(one.leaves)
                nodes = self._scene.leaf_nodes[inside]
                value, due = leaves.value[inside, m], leaves.due[inside, m]
                z = signs.sigmas_of(nodes, m, value, due) / signs.gate
                far = inside[(-one.side * z >= 1) & (np.abs(value - due) > 0.1 * np.abs(due))]
                whole = signs.sigmas_of(np.array([one.node]), m, np.array([value.sum()]), np.array([due.sum()]))[0] / signs.gate
                if -one.side * whole >= 1:
                    far = inside
                if len(far):
                    self._open(at, m, -one.side, 1, int(one.node), signs, leaves, only=far)
                    if len(far) >= OVERLAP * len(inside):
                        one.end = min(one.end, at - 1)
                    break

    def _look(self, at: int, sign: Sign, signs: Signs, leaves: Leaves) -> None:
        strength = sign.strength.copy()
        for _ in range(MOST_NEW):
            size = np.abs(strength) * signs.levels
            k, node, m = np.unravel_index(int(size.argmax()), size.shape)
            if size[k, node, m] < 1:
                break
            side = 1 if strength[k, node, m] > 0 else -1
            taken = self._open(at, int(m), side, signs.windows[k], int(node), signs, leaves, strength=float(size[k, node, m]))
            touched = self._nodes_of(taken)
            strength[:, touched, m] = 0
            strength[:, node, m] = 0

    def _nodes_of(self, leaves: Bools) -> NDArray[np.int64]:
        """Return the nodes that hold any of some leaves."""
        return np.flatnonzero(self._scene.count_leaves(leaves.astype(np.float64)) > 0)

    def _open(
        self, at: int, m: int, side: int, window: int, node: int, signs: Signs, leaves: Leaves, *, only: Any = None, strength: float = 1.0
    ) -> Bools:
        """Open an incident, or let one that is open take this in; return the leaves concerned."""
        own = np.zeros(len(self._scene.leaves), bool)
        own[self._scene.cover(np.array([node])) if only is None else only] = True
        start = self._onset(at, own, m, side, window)
        masked = self.masked[:, m]
        slots = self._history.slots(start)
        value = self._history.value[slots][:, :, m].sum(axis=0, dtype=np.float64)
        due = self._history.due[slots][:, :, m].sum(axis=0, dtype=np.float64)
        if only is None:
            free = ~masked
            place = self._locate(value, due, leaves.variance[:, m].astype(np.float64) * len(slots), own & free, side, free)
            if place is not None:
                own = place
                start = self._onset(at, own, m, side, window)
                slots = self._history.slots(start)
        joined = self._find_owner(own, m, side, start)
        if joined is None and self._undoes(own, m, side, slots):
            signs.reset(self._nodes_of(own), range(self._measures))
            return own
        if joined is not None:
            joined.onsets.setdefault(m, start)
            if joined.side == side or m != joined.lead:
                joined.leaves |= own
            joined.strength = max(joined.strength, strength)
            self.changed[joined.id] = joined
        else:
            joined = self._create(at, start, m, side, window, own, strength)
            self.open.append(joined)
            self.changed[joined.id] = joined
        signs.reset(self._nodes_of(joined.leaves), [m])
        return own

    def _create(self, at: int, start: int, m: int, side: int, window: int, own: Bools, strength: float) -> OpenIncident:
        leaves, first = len(own), int(np.flatnonzero(own)[0])
        name = f"l4m:incident:{at}:{start}:{self._settings.measures[m].name}:{side}:{self._scene.leaves[first]}:{int(own.sum())}"
        sums = [np.zeros((self._measures, leaves)) for _ in range(4)]
        node = self._node_of(own)
        one = OpenIncident(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), start, at, at, side, own, m, node, window, *sums)
        one.onsets[m] = start
        one.strength = strength
        history = self._history
        slots = history.slots(start)
        one.actual += history.value[slots].sum(axis=0, dtype=np.float64).T
        one.due += history.due[slots].sum(axis=0, dtype=np.float64).T
        one.absent += ((1 - history.rows[slots]) * np.maximum(history.due[slots], 0)).sum(axis=0, dtype=np.float64).T
        one.variance += np.maximum(np.abs(one.due), 1e-6) * 0 + self._variance.T * len(slots)
        last = slots[-max(1, window // 3) :]
        one.recent = float((history.value[last][:, own, m] - history.due[last][:, own, m]).sum(axis=1).mean())
        one.recent_due = float(history.due[last][:, own, m].sum(axis=1).mean())
        return one

    def _node_of(self, own: Bools) -> int:
        """Return the node that holds just these leaves, else the smallest that holds them all."""
        counts = self._scene.count_leaves(own.astype(np.float64))
        holds = np.flatnonzero(counts == own.sum())
        if not len(holds):
            return int(self._scene.leaf_nodes[np.flatnonzero(own)[0]])
        return int(holds[np.argmin(self._scene.sizes[holds])])

    def _locate(self, value: Any, due: Any, variance: Any, own: Bools, side: int, free: Bools) -> Bools | None:
        """Return the leaves of the place that explains most of what a node tells."""
        moves = Moves.of(*_smooth(value, due), np.sqrt(np.maximum(variance, 1e-12))).without(np.flatnonzero(~free))
        for place in locate(self._scene.cuboids, moves):
            if place.sign == side and own[place.leaves].any():
                found = np.zeros(len(own), bool)
                found[place.leaves] = True
                return found
        return None

    def _onset(self, at: int, own: Bools, m: int, side: int, window: int) -> int:
        """Return when a shift began: where the sum of deviations less a part of the shift is largest from its end."""
        history = self._history
        slots = history.slots(at - 3 * window + 1)
        gone = side * (history.value[slots][:, own, m].astype(np.float64) - history.due[slots][:, own, m]).sum(axis=1)
        shift = gone[-window:].mean() if window > 1 else gone[-1]
        sums = np.cumsum((gone - 0.5 * max(shift, 0))[::-1])
        return at - int(sums.argmax())

    def _find_owner(self, own: Bools, m: int, side: int, start: int) -> OpenIncident | None:
        near = max(3, self._day // 24)
        for one in self.open:
            shared = int((one.leaves & own).sum())
            inside = shared >= OVERLAP * min(int(own.sum()), int(one.leaves.sum()))
            if m in one.onsets:
                if one.side == side and inside:
                    return one
                if one.side == side and m == one.lead and not shared and abs(start - one.start) <= 1 and self._is_storm(one, own):
                    return one
            elif inside and (abs(start - one.start) <= near or start > one.start):
                return one
        return None

    def _is_storm(self, one: OpenIncident, own: Bools) -> bool:
        return False

    def _undoes(self, own: Bools, m: int, side: int, slots: Any) -> bool:
        """Whether a place goes back to where it was before a change that had become the rule; the rule is undone then."""
        history = self._history
        for one in self.rebased:
            if one.side == side or m not in one.factors or not 0 < one.factors[m] < float("inf"):
                continue
            shared = (one.leaves & own).sum()
            if shared < OVERLAP * min(own.sum(), one.leaves.sum()) or history.at - one.at > RETURN_DAYS * self._day:
                continue
            value, due = (float(part[slots][:, one.leaves, m].sum()) for part in (history.value, history.due))
            if value <= 0 or due <= 0:
                continue
            change, back = np.log(value / due), -np.log(one.factors[m])
            if abs(change - back) < ALIKE * abs(back) + 0.05:
                self.to_rescale.append((one.leaves.copy(), {k: 1 / f for k, f in one.factors.items() if 0 < f < float("inf")}))
                self.rebased.remove(one)
                return True
        return False


def _pad(array: Bools, leaves: int) -> Bools:
    return np.pad(array, (0, leaves - len(array)))


def _resize(one: OpenIncident, leaves: int) -> None:
    more = leaves - len(one.leaves)
    if more > 0:
        one.leaves = _pad(one.leaves, leaves)
        for name in ("actual", "due", "variance", "absent"):
            setattr(one, name, np.pad(getattr(one, name), ((0, 0), (0, more))))


def _smooth(value: Any, due: Any) -> tuple[Any, Any]:
    """Return values and what was due of leaves, so that what came from nothing, or did not, says how much it is."""
    floor = 0.02 * np.abs(value).max(initial=0)
    silent = (np.abs(value) < 1e-9) & (np.abs(due) < 1e-9)
    return np.where(silent, floor, value), np.where(silent, floor, np.maximum(due, 0.02 * value))
