"""Following incidents through the intervals: opening, extending and closing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.days import Look
from l4m.engine.evidence import Evidence
from l4m.engine.grouping import group_series
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents import OpenIncident
from l4m.engine.normality import Normality
from l4m.engine.oddity import find_odd
from l4m.engine.results import Group, Incident
from l4m.engine.root_cause.localize import Moves, Place, locate
from l4m.engine.seasonality.seasons import DAY

PATIENCE_SECONDS = 14_400  # an incident that is calm for longer is over
UNLEARNING = 2  # times the length of an incident, for which the way back to where things were before is part of it
LARGEST = 1e18  # squares stay finite
COMPANION_SHARE = 0.1  # of the evidence of a place: what moves with it, and is not far weaker, takes it in
OVERNIGHT_SECONDS = 108_000  # a day that is off goes on with what ended less than this before
WEEK, WEEKS_TOLERANCE = 604_800, 3_600  # seconds; what is told once a week at the same time is told once
MOST_OPEN = 16  # incidents at a time; what comes beyond joins the newest


class Tracker:
    """Turns evidence into groups and incidents; what is open is all it remembers."""

    def __init__(self, interval_seconds: int) -> None:
        self._interval = interval_seconds
        self._patience = max(1, PATIENCE_SECONDS // interval_seconds) * interval_seconds
        self.open: list[OpenIncident] = []
        self.closed: list[tuple[int, int, NDArray[np.bool_]]] = []  # last return, side and home of those that ended lately
        self.resting: list[OpenIncident] = []  # of days that were off as a whole; the next day may go on with them
        self.told: list[tuple[int, int, int, NDArray[np.int64]]] = []  # begin, measure, side and leaves of what a week ago may repeat
        self._groups: list[Group] = []
        self._incidents: dict[str, Incident] = {}
        self._changed: set[str] = set()

    @property
    def kept(self) -> list[OpenIncident]:
        """Incidents that are remembered with all they added up: the open ones first."""
        return [*self.open, *self.resting]

    def begin(self, scene: HierarchyIndex, normality: Normality) -> None:
        """Get ready for a block."""
        self._scene, self._normality = scene, normality
        self._groups, self._incidents, self._changed = [], {}, set()
        for incident in self.kept:
            incident.resize(len(scene.leaves))

    def follow(self, seen: Evidence, start: int) -> None:
        """Take the incidents through consecutive intervals, the first of which begins at ``start``."""
        strong = np.asarray((seen.strong | seen.odd).any(axis=(0, 2)))
        for at in range(len(strong)):
            if strong[at] or self.open:
                self._step(seen.part(at), start + at * self._interval)

    def _step(self, seen: Evidence, start: int) -> None:
        """Take one interval into account."""
        moved = self._join(self._find_places(seen), seen, start)
        for incident in self.open:
            if incident in moved:
                incident.note(self._scene, seen)
            elif incident.goes_on(seen):
                incident.end = start
                incident.note(self._scene, seen)
                self._changed.add(incident.id)
        self._group(seen, start, [incident for incident in self.open if incident.end == start])
        for incident in [one for one in self.open if start - one.end > self._patience]:
            self._incidents[incident.id] = incident.describe(self._scene, is_open=False)
            self.open.remove(incident)
            self.resting += [incident] * incident.is_day
            self.closed.append((self._last_return(incident), incident.sign, incident.home[0] > 0))
        self.closed = [one for one in self.closed if start <= one[0]]

    def look_back(self, look: Look, start: int) -> None:
        """Take in a day that is off as a whole: go on with what is open, or with what was told of the day before, else tell it.

        What is told has a group in the interval that begins at ``start``, the last of the look: of sums since midnight.
        """
        self.resting = [one for one in self.resting if look.onset - one.end <= OVERNIGHT_SECONDS]
        places = self._find_day_places(look.seen)
        owners = [self._find_owner(place) or _find_alike(self.open, measure, place) for measure, place in places]
        free = [pair for pair, owner in zip(places, owners, strict=True) if owner is None]
        going_on = [one for one, (_, place) in zip(owners, places, strict=True) if one is not None and one.sign == place.sign]
        before = next((one for pair in free if (one := _find_alike(self.resting, *pair)) is not None), None)
        told = [before] if before is not None else self._join(free, look.seen, look.onset) if look.is_news else []
        if before is not None:
            self.resting.remove(before)
            self.open.append(before)
        for incident in [*going_on, *told]:
            incident.end, incident.is_day = max(incident.end, look.end), True
            incident.note(self._scene, look.seen)
            self._changed.add(incident.id)
        self._group(look.seen, start, told)

    def _find_day_places(self, seen: Evidence) -> list[tuple[int, Place]]:
        """Return where the measures of a day moved that are off: the places on the side of the total, else everything."""
        found, places = self._find_places(seen), []
        for measure in np.flatnonzero(seen.strong.any(axis=1)).tolist():
            sigmas = float(seen.sigmas[measure][seen.strong[measure]][0])
            sign = 1 if sigmas > 0 else -1
            whole = Place((), np.arange(len(self._scene.leaves)), sigmas**2 / 2, sign)
            likely = [pair for pair in found if pair[0] == measure and pair[1].sign == sign]
            places += likely or [(measure, whole)] * (not self._normality.covers(seen, measure, whole))
        return places

    def _last_return(self, incident: OpenIncident) -> int:
        """Return until when the way back from an incident is believed: what learned for longer takes longer to unlearn."""
        return incident.end + max(self._patience, UNLEARNING * (incident.end - incident.start))

    def _find_places(self, seen: Evidence) -> list[tuple[int, Place]]:
        """Return the measures and places that moved: those whose own series say so, else the likeliest."""
        scene, found = self._scene, []
        for measure in np.flatnonzero((seen.strong | seen.odd).any(axis=1)).tolist():
            places = locate(scene.cuboids, _moves_of(scene, seen, measure)) if seen.strong[measure].any() else []
            sure = [place for place in places if _is_strong(scene, seen, measure, place)] or places[:1] or find_odd(scene, seen, measure)
            found += [(measure, place) for place in sure if not self._normality.covers(seen, measure, place)]
        return sorted(found, key=lambda pair: -pair[1].evidence)

    def _join(self, places: list[tuple[int, Place]], seen: Evidence, start: int) -> list[OpenIncident]:
        """Give every place to the open incident it is related to; what is left opens one new incident. Return those that moved."""
        joined: dict[str, dict[int, Place]] = {}
        at_home = [self._find_owner(place) is not None for _, place in places]
        for (measure, place), _ in sorted(zip(places, at_home, strict=True), key=lambda pair: not pair[1]):
            owner = self._find_owner(place) or self._find_companion(seen, joined, measure, place)
            if owner is None and (self._is_return(place) or self._recurs(measure, place, start)):
                continue
            if owner is None and len(self.open) < MOST_OPEN:
                owner = OpenIncident.begin(self._scene, seen, start, measure, place)
                self.open.append(owner)
            owner = owner or self.open[-1]
            if owner.sign == place.sign:
                joined.setdefault(owner.id, {}).setdefault(measure, place)
                if not owner.home.any():
                    owner.home[0, place.leaves] = 1.0
        moved = [one for one in self.open if one.id in joined]
        for incident in moved:
            others = [one.home[0] > 0 for one in self.open if one is not incident]
            away = np.logical_or.reduce(others) & (incident.home[0] == 0) if others else np.zeros(len(self._scene.leaves), bool)
            incident.extend(self._scene, seen, start, joined[incident.id], away)
            self._changed.add(incident.id)
        return moved

    def _find_owner(self, place: Place) -> OpenIncident | None:
        """Return the open incident that lives in a place, or around it."""
        return next((one for one in self.open if one.is_related(place)), None)

    def _find_companion(self, seen: Evidence, joined: Mapping[str, Any], measure: int, place: Place) -> OpenIncident | None:
        """Return the incident that moves at the same time and in the same direction elsewhere; what is only odd goes with any such."""
        for one in self.open:
            is_alike = measure in one.onsets and one.evidence >= COMPANION_SHARE * place.evidence
            if one.sign == place.sign and (is_alike or place.expected is not None) and (one.id in joined or one.goes_on(seen)):
                return one
        return None

    def _is_return(self, place: Place) -> bool:
        """Whether a place only comes back from where a recent incident had taken it."""
        for _, sign, home in self.closed:
            inside = float(home[place.leaves[place.leaves < len(home)]].sum())
            if sign == -place.sign and inside >= 0.9 * max(len(place.leaves), float(home.sum())):
                return True
        return False

    def _recurs(self, measure: int, place: Place, start: int) -> bool:
        """Whether the same was told, or would have been, a week ago at this time: a new timetable, not a new incident."""
        if self._interval >= DAY:
            return False
        tolerance = max(WEEKS_TOLERANCE, self._interval)
        self.told = [one for one in self.told if start - one[0] <= WEEK + tolerance]
        again = any(
            start - begin >= WEEK - tolerance and (measure, place.sign) == (what, sign) and _overlap(place.leaves, leaves)
            for begin, what, sign, leaves in self.told
        )
        self.told.append((start, measure, place.sign, place.leaves))
        return again

    def _group(self, seen: Evidence, start: int, owners: Sequence[OpenIncident]) -> None:
        """Report the anomalous series of an interval, once a measure, as part of one of the incidents that own them."""
        names = [measure.name for measure in self._scene.settings.measures]
        reported = {group.measure for group in self._groups[-len(names) :] if group.start == start}
        for measure, name in enumerate(names) if owners else ():
            owner = max(owners, key=lambda one: (measure in one.onsets, one.evidence))
            group = group_series(self._scene, seen, measure, start, owner.id)
            if group is not None and name not in reported:
                self._groups.append(group)

    def finish(self) -> tuple[tuple[Group, ...], tuple[Incident, ...]]:
        """Return the groups of the block, and the incidents it opened, changed or closed."""
        for incident in self.open:
            if incident.id in self._changed:
                self._incidents[incident.id] = incident.describe(self._scene, is_open=True)
        return tuple(self._groups), tuple(self._incidents.values())

    def to_document(self) -> dict[str, Any]:
        """Return the open incidents without their arrays."""
        closed = [(end, sign, np.flatnonzero(home).tolist()) for end, sign, home in self.closed]
        told = [(*one[:3], one[3].tolist()) for one in self.told]
        kept = [incident.to_document() for incident in self.kept]
        return {"kept": kept, "open": len(self.open), "closed": closed, "told": told}

    def restore(self, document: Mapping[str, Any], sums: Sequence[Sequence[NDArray[np.float64]]]) -> None:
        """Take up the incidents that ``to_document`` described."""
        kept = [OpenIncident.from_document(one, arrays) for one, arrays in zip(document["kept"], sums, strict=True)]
        self.open, self.resting = kept[: document["open"]], kept[document["open"] :]
        self.told = [(begin, measure, sign, np.array(leaves, np.int64)) for begin, measure, sign, leaves in document["told"]]
        for end, sign, leaves in document["closed"]:
            home = np.zeros(max(leaves, default=-1) + 1, bool)
            home[leaves] = True
            self.closed.append((end, sign, home))


def _find_alike(incidents: Sequence[OpenIncident], measure: int, place: Place) -> OpenIncident | None:
    """Return the incident in the same measure that goes in the direction of a place."""
    return next((one for one in incidents if one.sign == place.sign and measure in one.onsets), None)


def _overlap(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether nearly all leaves of the smaller place belong to the other one."""
    return len(np.intersect1d(one, other)) >= 0.9 * min(len(one), len(other))


def _is_strong(scene: HierarchyIndex, seen: Evidence, measure: int, place: Place) -> bool:
    """Whether the series of a place is enough to open an incident."""
    node = scene.find_node(place.dimensions, int(place.leaves[0]))
    return node is not None and bool(seen.strong[measure, node])


def _moves_of(scene: HierarchyIndex, seen: Evidence, measure: int) -> Moves:
    """Return how every leaf moved in one interval; those of which nothing is known did not."""
    value, expected, error = (array[measure, scene.leaf_nodes].astype(np.float64) for array in (seen.value, seen.expected, seen.error))
    unknown = np.flatnonzero(~(np.isfinite(value) & np.isfinite(expected)))
    finite = (np.nan_to_num(array, posinf=LARGEST, neginf=-LARGEST) for array in (value, expected, error))
    return Moves.of(*finite).without(unknown)
