"""Following incidents: opening, extending and ending them, and saying what has become the rule."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.evidence import Evidence, Signs
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents.history import History
from l4m.engine.incidents.incident import ARRAYS, OpenIncident
from l4m.engine.incidents.places import find_places, node_of, nodes_of
from l4m.engine.incidents.suppression import Suppression
from l4m.engine.seasonality.seasons import Seasons
from l4m.engine.settings import Settings

MOST_NEW = 8  # incidents that one interval opens
MOST_OPEN = 64  # incidents at a time; what comes beyond joins the newest of its side
STAYS, LEAVING = 0.35, 2.0  # of its mean effect, and standard errors, at which an incident goes on
LASTING_DAYS, LASTING_OF_DAYS = 4, 7  # after which what goes on is the rule; the second where an interval is a day
RETURN_DAYS = 28  # for which a change that became the rule may be undone
ALIKE, NEAR = 0.3, 0.05  # by how much of its log, and by how much in any case, the way back may differ
CLOSED = 0.05  # of what is due on average; an interval in which less is due says nothing
OVERLAP = 0.5  # of the smaller place, that belongs to both
THROUGH = 0.1  # of what is due, that goes through an incident and out on the other side at least
SWING_HOURS, OUTAGE = 8, -0.7  # within which a change of sides is one of shape; an effect below which it is an outage of its own
RISING = 0.5  # of the mean shift, that every interval since the onset has to exceed on average
HALF = 50.0  # severity of what just opens an incident

Bools = NDArray[np.bool_]
Array = NDArray[np.float32]


@dataclass(eq=False)
class Rule:
    """A change that became the rule: where, the factor of each measure, its side, and since when."""

    leaves: Bools
    factors: dict[int, float]
    side: int
    at: int


@dataclass(frozen=True)
class Change:
    """What the baselines have to learn at once: leaves whose expectation is multiplied, by measure."""

    leaves: Bools
    factors: Mapping[int, float]
    forgets_shape: bool = False


@dataclass(frozen=True)
class Interval:
    """One interval of the leaves; arrays of shape (leaves, measures), ``start`` in epoch seconds."""

    at: int
    start: int
    value: Array
    due: Array
    variance: Array
    absent: Bools


@dataclass(frozen=True)
class Slow:
    """What a slow change is made of: sums of a week and what was due, by leaf, and its strength."""

    actual: NDArray[np.float64]
    due: NDArray[np.float64]
    variance: NDArray[np.float64]
    strength: float


class Tracker:
    """Turns signs into incidents; what is open, what ended lately and what became the rule is all it remembers.

    The leaves of an open incident teach their baselines nothing, so that its end is where things are as before, and what
    comes back is no news. What goes through and out on the other side is, and has its own start. An incident that lasts is told
    once and becomes the rule; if the old level comes back, so does the old rule.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        seasons = Seasons.of(settings)
        self._settings, self._measures, self._is_daily = settings, len(settings.measures), seasons.is_daily
        self._day = 1 if seasons.is_daily else seasons.per_day
        self._lasting = LASTING_OF_DAYS if seasons.is_daily else LASTING_DAYS * self._day
        self._patience = 1 if seasons.is_daily else max(2, self._day // 24)
        self._swing = 0 if seasons.is_daily else max(2, SWING_HOURS * self._day // 24)
        self.open: list[OpenIncident] = []
        self.recent: list[OpenIncident] = []
        self.rules: list[Rule] = []
        self.gone = np.zeros((0, self._measures), np.bool_)  # leaves whose silence was told and has lasted
        self.history: History | None = None
        self.changed: dict[str, OpenIncident] = {}
        self.changes: list[Change] = []

    def begin(self, index: HierarchyIndex, suppression: Suppression) -> None:
        """Get ready for a block, and for leaves that have appeared."""
        self._index, self._suppression = index, suppression
        leaves = len(index.leaves)
        if self.history is None:
            self.history = History(self._measures, leaves, 30 if self._is_daily else 3 * self._day)
        self.history.grow(leaves)
        self.gone = np.pad(self.gone, ((0, leaves - len(self.gone)), (0, 0)))
        for one in [*self.open, *self.recent]:
            one.resize(leaves)
        for rule in self.rules:
            rule.leaves = np.pad(rule.leaves, (0, leaves - len(rule.leaves)))

    @property
    def masked(self) -> Bools:
        """Leaves and measures that teach nothing, shape (leaves, measures)."""
        found = self.gone.copy()
        for one in self.open:
            for measure in one.onsets:
                found[one.leaves, measure] = True
        return found

    def step(self, now: Interval, signs: Signs, evidence: Evidence, tracked: Any) -> None:
        """Take one interval into account; ``tracked`` are the numbers of the nodes that the signs are about."""
        self._now, self._evidence, self._tracked, self.changes = now, evidence, tracked, []
        self.gone &= now.absent
        for one in list(self.open):
            self._follow(one)
        for one in list(self.open):
            self._look_inside(one)
        if signs.is_news:
            self._look(signs)

    def _variance_of(self, node: int, measure: int, value: float, due: float) -> float:
        """Return the variance of an interval of a node; a leaf that is not tracked has that of its scores."""
        place = np.searchsorted(self._tracked, node)
        if place < len(self._tracked) and self._tracked[place] == node:
            ones = np.ones((1, self._measures), np.float32)
            found = self._evidence.variance(np.array([place]), np.float32(value) * ones, np.float32(due) * ones)
            return max(float(found[0, measure]), 1e-12)
        inside = self._index.cover(np.array([node]))
        return max(float(self._now.variance[inside, measure].sum()), 1e-12)

    # what goes on

    def _follow(self, one: OpenIncident) -> None:
        now, m = self._now, one.lead
        if self._is_interrupted(one):
            return
        value, due = (float(part[one.leaves, m].sum()) for part in (now.value, now.due))
        span = max(1.0, one.window / 3)
        one.recent += (value - due - one.recent) / span
        one.recent_due += (due - one.recent_due) / span
        usual = float(one.due[m, one.leaves].sum()) / max(1, one.end - one.start + 1)
        if due < CLOSED * usual and (value - due) * one.side <= 0:
            if now.at - one.end > self._lasting:
                self._close(one)
        elif self._goes_on(one, span):
            one.end, one.end_time, one.quiet = now.at, now.start, 0
            self._add(one)
            if now.at - one.start >= self._lasting:
                self._become_rule(one)
        else:
            one.quiet += 1
            if one.quiet > (self._swing if one.is_shape else self._patience):
                self._close(one)

    def _goes_on(self, one: OpenIncident, span: float) -> bool:
        error = np.sqrt(self._variance_of(one.node, one.lead, one.recent_due + one.recent, one.recent_due) / span)
        away = abs(one.recent) if one.is_shape else one.side * one.recent
        far = away >= STAYS * (0 if one.is_shape else abs(one.effect)) * max(one.recent_due, 0)
        absent = self._now.absent[one.leaves, one.lead]
        is_silent = bool(absent.all()) and one.side < 0 and float(one.absent[one.lead].sum()) > 0
        return is_silent or bool(far and away >= LEAVING * error)

    def _is_interrupted(self, one: OpenIncident) -> bool:
        """Whether another incident of the other side goes on in most of the place."""
        return any(
            other is not one
            and other.start > one.start
            and other.side != one.side
            and other.quiet == 0
            and (other.leaves & one.leaves).sum() >= OVERLAP * one.leaves.sum()
            for other in self.open
        )

    def _add(self, one: OpenIncident) -> None:
        now = self._now
        sums = [(float(now.value[one.leaves, m].sum()), float(now.due[one.leaves, m].sum())) for m in range(self._measures)]
        sigmas = [(value - due) / self._variance_of(one.node, m, value, due) ** 0.5 for m, (value, due) in enumerate(sums)]
        one.add(now.value, now.due, now.variance, now.absent, sigmas)
        self.changed[one.id] = one

    def _close(self, one: OpenIncident) -> None:
        self.changed[one.id] = one
        self.open.remove(one)
        self.recent = [old for old in self.recent if self._now.at - old.end <= 2 * self._day] + [one]

    def _become_rule(self, one: OpenIncident) -> None:
        """Let what has lasted be the rule: silence is remembered as such, a change of level multiplies what is expected."""
        one.is_lasting = True
        if one.is_missing:
            self.gone[one.leaves] = True
        else:
            slots = self._slots(self._now.at - self._day + 1)
            factors = {}
            for m in one.onsets:
                value, due = (float(part[slots][:, one.leaves, m].sum()) for part in (self._past.value, self._past.due))
                factors[m] = value / due if due > 1e-9 and value > 0 else float("inf")
            self.changes.append(Change(one.leaves.copy(), factors, one.is_shape))
            self.rules.append(Rule(one.leaves.copy(), factors, one.side, self._now.at))
        self._close(one)

    @property
    def _past(self) -> History:
        if self.history is None:
            raise RuntimeError("begin() comes first")
        return self.history

    def _slots(self, first: int) -> NDArray[np.int64]:
        return self._past.slots(first)

    # what is new

    def _look_inside(self, one: OpenIncident) -> None:
        """Look for what goes through an open incident and out on the other side."""
        now = self._now
        if now.at <= one.start or one.is_shape:
            return
        inside = np.flatnonzero(one.leaves)
        for m in list(one.onsets):
            value, due = now.value[inside, m], now.due[inside, m]
            through = -one.side * (value - due)
            sure = through / np.sqrt(np.maximum(now.variance[inside, m], 1e-12)) / self._evidence.gate
            far = inside[(sure >= 1) & (through > THROUGH * np.abs(due))]
            total, whole = float(value.sum()), float(due.sum())
            error = self._variance_of(one.node, m, total, whole) ** 0.5
            if -one.side * (total - whole) / error >= self._evidence.gate:
                far = inside
            if len(far):
                self._open(m, -one.side, 1, far, 1.0)
                if len(far) >= OVERLAP * len(inside):
                    one.end = min(one.end, now.at - 1)
                return

    def _look(self, signs: Signs) -> None:
        """Open incidents, the strongest sign first, until what is left is explained."""
        strength = signs.strength.copy()
        tracked = np.asarray(self._tracked)
        for _ in range(MOST_NEW):
            size = np.abs(strength) * self._evidence.levels
            k, place, m = (int(at) for at in np.unravel_index(int(size.argmax()), size.shape))
            if size[k, place, m] < 1:
                break
            side = 1 if strength[k, place, m] > 0 else -1
            leaves = self._index.cover(tracked[[place]])
            taken = self._open(m, side, self._evidence.windows[k], leaves, float(size[k, place, m]), is_exact=False)
            strength[:, np.isin(tracked, nodes_of(self._index, taken)), m] = 0
            strength[:, place, m] = 0

    def open_leaf(self, leaf: int, measure: int, side: int, strength: float) -> None:
        """Open an incident of a leaf that is not tracked."""
        self._open(measure, side, 1, np.array([leaf]), strength)

    def tell_slow(self, m: int, side: int, leaves: Bools, *, start: int, now: Interval, sums: Slow) -> OpenIncident | None:
        """Tell a slow change: it is the rule at once. None where an incident of the place says it already."""
        for one in [*self.open, *self.recent]:
            if m in one.onsets and one.side == side and (one.leaves & leaves).sum() >= OVERLAP * max(leaves.sum(), one.leaves.sum()):
                return None
        shape = (self._measures, len(leaves))
        actual, due, variance = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        actual[m], due[m], variance[m] = sums.actual, sums.due, sums.variance
        step = self._settings.interval_seconds
        begun = now.start - (now.at - start) * step
        name = f"l4m:slow:{begun}/{step}:{self._settings.measures[m].name}:{side}:{np.flatnonzero(leaves)[0]}:{int(leaves.sum())}"
        one = OpenIncident(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            start=start,
            noticed=now.at,
            end=now.at,
            start_time=begun,
            noticed_time=now.start,
            end_time=now.start,
            side=side,
            lead=m,
            node=node_of(self._index, leaves),
            window=7 * self._day,
            leaves=leaves,
            actual=actual,
            due=due,
            variance=variance,
            absent=np.zeros(shape),
            onsets={m: start},
            strength=sums.strength,
            is_lasting=True,
        )
        gone = float((actual - due)[m, leaves].sum()) / (7 * self._day)
        expected = float(due[m, leaves].sum()) / (7 * self._day)
        one.untold = self._suppression.reason(m, leaves, side, severity_of(one.strength), deviation=gone, due=expected)
        self.changed[one.id] = one
        self.recent = [old for old in self.recent if now.at - old.end <= 2 * self._day] + [one]
        return one

    def _open(self, m: int, side: int, window: int, leaves: NDArray[np.int64], strength: float, *, is_exact: bool = True) -> Bools:
        """Open an incident, or let one that is open take this in; return the leaves concerned."""
        own = np.zeros(len(self._index.leaves), np.bool_)
        own[leaves] = True
        start = self._onset(own, m, side, window)
        if not is_exact:
            place = self._locate(own, m, side, start)
            if place is not None:
                own = place
                start = self._onset(own, m, side, window)
        joined = self._find_owner(own, m, side, start)
        if joined is None and self._undoes(own, m, side, start):
            self._forget(own, range(self._measures))
            return own
        if joined is None:
            joined = self._swings(own, m, side, start)
        if joined is None and len(self.open) >= MOST_OPEN:
            joined = next((one for one in reversed(self.open) if one.side == side), None)
        if joined is None:
            joined = self._create(m, side, own, start=start, window=window, strength=strength)
            self.open.append(joined)
        else:
            joined.onsets.setdefault(m, start)
            if joined.side == side or m != joined.lead:
                joined.leaves = joined.leaves | own
                joined.node = node_of(self._index, joined.leaves)
            joined.strength = max(joined.strength, strength)
        self.changed[joined.id] = joined
        self._forget(joined.leaves, [m])
        return own

    def _forget(self, leaves: Bools, measures: Sequence[int]) -> None:
        nodes = nodes_of(self._index, leaves)
        self._evidence.reset(np.flatnonzero(np.isin(self._tracked, nodes)), measures)

    def _create(self, m: int, side: int, own: Bools, *, start: int, window: int, strength: float) -> OpenIncident:
        now, past = self._now, self._past
        slots = self._slots(start)
        value, due, came = (part[slots].astype(np.float64) for part in (past.value, past.due, past.came))
        step = self._settings.interval_seconds
        begun = now.start - (now.at - start) * step
        first = self._index.leaves[int(np.flatnonzero(own)[0])]
        name = f"l4m:incident:{begun}/{step}:{self._settings.measures[m].name}:{side}:{first}:{int(own.sum())}:{now.start}"
        variance = now.variance.T.astype(np.float64) * len(slots)
        absent = ((1 - came) * np.maximum(due, 0)).sum(axis=0).T
        one = OpenIncident(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            start=start,
            noticed=now.at,
            end=now.at,
            start_time=begun,
            noticed_time=now.start,
            end_time=now.start,
            side=side,
            lead=m,
            node=node_of(self._index, own),
            window=window,
            leaves=own,
            actual=value.sum(axis=0).T,
            due=due.sum(axis=0).T,
            variance=variance,
            absent=absent,
            onsets={m: start},
            strength=strength,
        )
        last = slice(-max(1, window // 3), None)
        gone, expected = (value - due)[last][:, own, m].sum(axis=1), due[last][:, own, m].sum(axis=1)
        one.recent, one.recent_due = float(gone.mean()), float(expected.mean())
        one.untold = self._suppression.reason(m, own, side, severity_of(strength), deviation=one.recent, due=one.recent_due)
        return one

    def _locate(self, own: Bools, m: int, side: int, start: int) -> Bools | None:
        """Return the leaves of the place that explains most of what a node tells."""
        slots = self._slots(start)
        free = ~self.masked[:, m]
        value, due = (part[slots][:, :, m].sum(axis=0, dtype=np.float64) for part in (self._past.value, self._past.due))
        variance = self._now.variance[:, m].astype(np.float64) * len(slots)
        for place in find_places(self._index, value, due, variance, free):
            if place.sign == side and own[place.leaves].any():
                found = np.zeros(len(own), np.bool_)
                found[place.leaves] = True
                return found
        return None

    def _onset(self, own: Bools, m: int, side: int, window: int) -> int:
        """Return when a shift began: where the deviations since, less a part of the shift each, sum up to most (Page 1954)."""
        slots = self._slots(self._now.at - 3 * window + 1)
        gone = side * (self._past.value[slots][:, own, m].astype(np.float64) - self._past.due[slots][:, own, m]).sum(axis=1)
        shift = max(float(gone[-window:].mean()), 0.0)
        sums = np.cumsum((gone - RISING * shift)[::-1])
        return self._now.at - int(sums.argmax())

    def _find_owner(self, own: Bools, m: int, side: int, start: int) -> OpenIncident | None:
        """Return the open incident that a place belongs to: of the same measure and side, or of another measure there."""
        near = max(3, self._day // 24)
        for one in self.open:
            shared = int((one.leaves & own).sum())
            if shared < OVERLAP * min(int(own.sum()), int(one.leaves.sum())):
                continue
            if m in one.onsets:
                if one.side == side or one.is_shape:
                    return one
            elif start >= one.start - near:
                return one
        return None

    def _swings(self, own: Bools, m: int, side: int, start: int) -> OpenIncident | None:
        """Return an incident of the same place that went to the other side a few hours ago: the course of the day has changed."""
        slots = self._slots(start)
        value, due = (float(part[slots][:, own, m].sum()) for part in (self._past.value, self._past.due))
        if due <= 0 or value / due - 1 < OUTAGE or not self._swing:
            return None
        for one in reversed(self.recent):
            shared = int((one.leaves & own).sum())
            is_same = shared >= OVERLAP * max(int(own.sum()), int(one.leaves.sum())) and m in one.onsets
            if is_same and one.side != side and 0 <= start - one.end <= self._swing and not one.is_missing and not one.is_lasting:
                one.is_shape, one.quiet, one.end, one.end_time = True, 0, self._now.at, self._now.start
                self.recent.remove(one)
                self.open.append(one)
                return one
        return None

    def _undoes(self, own: Bools, m: int, side: int, start: int) -> bool:
        """Whether a place goes back to where it was before a change that had become the rule; the rule is undone then."""
        slots = self._slots(start)
        for rule in self.rules:
            factor = rule.factors.get(m, 0.0)
            if rule.side == side or not 0 < factor < float("inf") or self._now.at - rule.at > RETURN_DAYS * self._day:
                continue
            if (rule.leaves & own).sum() < OVERLAP * min(own.sum(), rule.leaves.sum()):
                continue
            value, due = (float(part[slots][:, rule.leaves, m].sum()) for part in (self._past.value, self._past.due))
            if value <= 0 or due <= 0:
                continue
            change, back = np.log(value / due), -np.log(factor)
            if abs(change - back) < ALIKE * abs(back) + NEAR:
                self.changes.append(Change(rule.leaves, {k: 1 / f for k, f in rule.factors.items() if 0 < f < float("inf")}))
                self.rules.remove(rule)
                return True
        return False

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of what is remembered, by name."""
        arrays: dict[str, NDArray[Any]] = {"gone": self.gone}
        if self.history is not None:
            arrays |= {f"history.{name}": array for name, array in self.history.to_arrays().items()}
        for kind, kept in (("open", self.open), ("recent", self.recent)):
            for number, one in enumerate(kept):
                arrays |= {f"{kind}.{number}.{name}": getattr(one, name) for name in ARRAYS}
        arrays |= {f"rules.{number}": rule.leaves for number, rule in enumerate(self.rules)}
        return arrays

    def to_document(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can hold it."""
        rules = [{"factors": rule.factors, "side": rule.side, "at": rule.at} for rule in self.rules]
        return {"open": [one.to_document() for one in self.open], "recent": [one.to_document() for one in self.recent], "rules": rules}

    def restore(self, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_document`` and ``to_arrays`` returned."""
        self.gone = arrays["gone"]
        past = {name.removeprefix("history."): array for name, array in arrays.items() if name.startswith("history.")}
        if past:
            self.history = History(self._measures, past["value"].shape[1], len(past["value"]))
            self.history.restore(past)
        for kind, kept in (("open", self.open), ("recent", self.recent)):
            for number, one in enumerate(document[kind]):
                kept.append(OpenIncident.from_document(one, {name: arrays[f"{kind}.{number}.{name}"] for name in ARRAYS}))
        for number, rule in enumerate(document["rules"]):
            factors = {int(m): float(factor) for m, factor in rule["factors"].items()}
            self.rules.append(Rule(arrays[f"rules.{number}"], factors, rule["side"], rule["at"]))


def severity_of(strength: float) -> float:
    """Return the severity of an incident: 50 for what just opens one, 75 for twice as much, 90 for five times.

    >>> [severity_of(strength) for strength in (1.0, 2.0, 5.0)]
    [50.0, 75.0, 90.0]
    """
    return 100.0 - HALF / max(strength, 1.0)
