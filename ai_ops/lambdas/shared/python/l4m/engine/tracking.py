"""Following incidents through the intervals: opening, extending and closing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence
from l4m.engine.grouping import group_series
from l4m.engine.incidents import OpenIncident
from l4m.engine.location import Moves, Place, locate
from l4m.engine.normality import Normality
from l4m.engine.results import Group, Incident
from l4m.engine.scene import Scene
from l4m.engine.stretch import Stretch

PATIENCE_SECONDS = 14_400  # an incident that is calm for longer is over
UNLEARNING = 2  # times the length of an incident, for which the way back to where things were before is part of it
LARGEST = 1e18  # squares stay finite
COMPANION_SHARE = 0.1  # of the evidence of a place: what moves with it, and is not far weaker, takes it in
MOST_OPEN = 16  # incidents at a time; what comes beyond joins the newest


class Tracker:
    """Turns evidence into groups and incidents; what is open is all it remembers."""

    def __init__(self, interval_seconds: int) -> None:
        self._interval = interval_seconds
        self._patience = max(1, PATIENCE_SECONDS // interval_seconds) * interval_seconds
        self.open: list[OpenIncident] = []
        self.closed: list[tuple[int, int, NDArray[np.bool_]]] = []  # last return, side and home of those that ended lately
        self._groups: list[Group] = []
        self._incidents: dict[str, Incident] = {}
        self._changed: set[str] = set()

    def begin(self, scene: Scene, normality: Normality) -> None:
        """Get ready for a block."""
        self._scene, self._normality = scene, normality
        self._groups, self._incidents, self._changed = [], {}, set()
        for incident in self.open:
            incident.resize(len(scene.leaves))

    def follow(self, stretch: Stretch, start: int) -> None:
        """Take the incidents through consecutive intervals, the first of which begins at ``start``."""
        for at, is_strong in enumerate(stretch.is_strong.tolist()):
            if is_strong or self.open:
                self._step(stretch.evidence.interval(at), start + at * self._interval)

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
        self._group(seen, start)
        for incident in [one for one in self.open if start - one.end > self._patience]:
            self._incidents[incident.id] = incident.describe(self._scene, is_open=False)
            self.open.remove(incident)
            self.closed.append((self._last_return(incident), incident.sign, incident.home[0] > 0))
        self.closed = [one for one in self.closed if start <= one[0]]

    def _last_return(self, incident: OpenIncident) -> int:
        """Return until when the way back from an incident is believed: what learned for longer takes longer to unlearn."""
        return incident.end + max(self._patience, UNLEARNING * (incident.end - incident.start))

    def _find_places(self, seen: Evidence) -> list[tuple[int, Place]]:
        """Return the measures and places that moved: those whose own series say so, else the likeliest."""
        scene, found = self._scene, []
        for measure in np.flatnonzero(seen.strong.any(axis=1)).tolist():
            places = locate(scene.cuboids, _moves_of(scene, seen, measure))
            sure = [place for place in places if _is_strong(scene, seen, measure, place)] or places[:1]
            found += [(measure, place) for place in sure if not self._normality.covers(seen, measure, place)]
        return sorted(found, key=lambda pair: -pair[1].evidence)

    def _join(self, places: list[tuple[int, Place]], seen: Evidence, start: int) -> list[OpenIncident]:
        """Give every place to the open incident it is related to; what is left opens one new incident. Return those that moved."""
        joined: dict[str, dict[int, Place]] = {}
        at_home = [self._find_owner(place) is not None for _, place in places]
        for (measure, place), _ in sorted(zip(places, at_home, strict=True), key=lambda pair: not pair[1]):
            owner = self._find_owner(place) or self._find_companion(seen, joined, measure, place)
            if owner is None and self._is_return(place):
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
        """Return the incident that moves at the same time, in the same measure and direction, elsewhere."""
        for one in self.open:
            is_alike = measure in one.onsets and one.sign == place.sign and one.evidence >= COMPANION_SHARE * place.evidence
            if is_alike and (one.id in joined or one.goes_on(seen)):
                return one
        return None

    def _is_return(self, place: Place) -> bool:
        """Whether a place only comes back from where a recent incident had taken it."""
        for _, sign, home in self.closed:
            inside = float(home[place.leaves[place.leaves < len(home)]].sum())
            if sign == -place.sign and inside >= 0.9 * max(len(place.leaves), float(home.sum())):
                return True
        return False

    def _group(self, seen: Evidence, start: int) -> None:
        """Report the anomalous series of an interval while an incident is open."""
        current = [incident for incident in self.open if incident.end == start]
        for measure in range(len(seen.anomalous)) if current else ():
            owner = max(current, key=lambda one: (measure in one.onsets, one.evidence))
            group = group_series(self._scene, seen, measure, start, owner.id)
            if group is not None:
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
        return {"open": [incident.to_document() for incident in self.open], "closed": closed}

    def restore(self, document: Mapping[str, Any], sums: Sequence[Sequence[NDArray[np.float64]]]) -> None:
        """Take up the incidents that ``to_document`` described."""
        self.open = [OpenIncident.from_document(one, arrays) for one, arrays in zip(document["open"], sums, strict=True)]
        for end, sign, leaves in document["closed"]:
            home = np.zeros(max(leaves, default=-1) + 1, bool)
            home[leaves] = True
            self.closed.append((end, sign, home))


def _is_strong(scene: Scene, seen: Evidence, measure: int, place: Place) -> bool:
    """Whether the series of a place is enough to open an incident."""
    node = scene.find_node(place.dimensions, int(place.leaves[0]))
    return node is not None and bool(seen.strong[measure, node])


def _moves_of(scene: Scene, seen: Evidence, measure: int) -> Moves:
    """Return how every leaf moved in one interval; those of which nothing is known did not."""
    value, expected, error = (array[measure, scene.leaf_nodes].astype(np.float64) for array in (seen.value, seen.expected, seen.error))
    unknown = np.flatnonzero(~(np.isfinite(value) & np.isfinite(expected)))
    finite = (np.nan_to_num(array, posinf=LARGEST, neginf=-LARGEST) for array in (value, expected, error))
    return Moves.of(*finite).without(unknown)
