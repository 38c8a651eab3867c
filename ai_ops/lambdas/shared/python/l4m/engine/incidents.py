"""Incidents: what moved, since when and where, added up over the intervals in which it moved strongly."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import LEAVING_SIGMAS, Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.relations import relate
from l4m.engine.results import Cause, Incident
from l4m.engine.root_cause.localize import Moves, Place, locate

LONGEST_TRACE = 96  # intervals of which the course is kept
ARRAYS = ("actual", "expected", "variance", "silent", "home")

Floats = NDArray[np.float64]


@dataclass
class OpenIncident:
    """An incident as it goes on.

    Attributes
    ----------
    actual, expected, variance, silent : float arrays, shape (measures, leaves)
        Sums over its strong intervals; ``silent`` is what was expected of leaves that should have reported and did not.
    home : float array, shape (1, leaves)
        1 for the leaves where it lives.
    """

    id: str
    start: int
    end: int
    sign: int
    watched: tuple[int, int]  # measure and node of the strongest sign of it
    actual: Floats
    expected: Floats
    variance: Floats
    silent: Floats
    home: Floats
    severity: float = 0.0
    evidence: float = 0.0  # of the strongest interval
    is_own: bool = False  # seen by itself, not only beside its kin
    is_day: bool = False  # a day was off as a whole
    onsets: dict[int, int] = field(default_factory=dict)  # first interval of each measure that moved
    series: list[tuple[int, int]] = field(default_factory=list)  # measures and nodes that were anomalous
    trace: list[list[float]] = field(default_factory=list)  # per interval, the deviation of each measure in standard errors

    @classmethod
    def begin(cls, scene: HierarchyIndex, seen: Evidence, start: int, measure: int, place: Place) -> OpenIncident:
        """Return a new incident that lives in a place."""
        interval = f"{start}/{scene.settings.interval_seconds}"
        name = f"l4m:incident:{interval}:{scene.settings.measures[measure].name}:{scene.name_place(place.dimensions, int(place.leaves[0]))}"
        shape = (len(scene.settings.measures), len(scene.leaves))
        actual, expected, variance, silent = (np.zeros(shape) for _ in range(4))
        identifier, home = str(uuid.uuid5(uuid.NAMESPACE_URL, name)), np.zeros((1, shape[1]))
        return cls(identifier, start, start, place.sign, _strongest(scene, seen, measure, place), actual, expected, variance, silent, home)

    def to_document(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can hold it."""
        return {name: value for name, value in self.__dict__.items() if name not in ARRAYS}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], arrays: Sequence[Floats]) -> OpenIncident:
        """Return the incident that ``to_document`` described."""
        fixed = {
            "watched": tuple(document["watched"]),
            "series": [tuple(pair) for pair in document["series"]],
            "onsets": {int(measure): start for measure, start in document["onsets"].items()},
        }
        return cls(**{**document, **fixed, **dict(zip(ARRAYS, arrays, strict=True))})

    def resize(self, leaves: int) -> None:
        """Make room for leaves that have appeared since."""
        for name in ARRAYS:
            array = getattr(self, name)
            if array.shape[1] < leaves:
                setattr(self, name, np.pad(array, ((0, 0), (0, leaves - array.shape[1]))))

    def is_related(self, place: Place) -> bool:
        """Whether a place lies within the incident's home, or holds all of it."""
        inside = float(self.home[0, place.leaves].sum())
        return inside > 0 and inside >= 0.9 * min(len(place.leaves), float(self.home.sum()))

    def goes_on(self, seen: Evidence) -> bool:
        """Whether the strongest sign of the incident is still there, on the same side, if only against the season."""
        sigmas = self.sign * float(seen.sigmas[self.watched])
        off_season = self.sign * float(seen.value[self.watched] - seen.usual[self.watched]) / float(seen.error[self.watched])
        beside = 0.0 if self.is_own else self.sign * float(seen.beside[self.watched])
        return max(sigmas, off_season, beside) >= LEAVING_SIGMAS or (sigmas > 0 and bool(seen.anomalous[self.watched]))

    def extend(self, scene: HierarchyIndex, seen: Evidence, start: int, places: Mapping[int, Place], others: NDArray[np.bool_]) -> None:
        """Add an interval in which the incident moved; ``others`` are leaves where other incidents live.

        What was expected is what the season alone says: a prediction that followed the incident follows some leaves sooner.
        """
        nodes = scene.leaf_nodes
        value = seen.value[:, nodes].astype(np.float64)
        expected = np.where(np.isfinite(seen.usual), seen.usual, seen.expected)[:, nodes].astype(np.float64)
        for measure, place in places.items():
            if place.expected is not None:  # nothing but the place deviates
                expected[measure] = value[measure]
                expected[measure, place.leaves] = place.expected
        known = np.isfinite(value) & np.isfinite(expected) & ~others
        self.actual += np.where(known, value, 0.0)
        self.expected += np.where(known, expected, 0.0)
        self.variance += np.where(known, seen.error[:, nodes].astype(np.float64) ** 2, 0.0)
        self.silent += np.where(seen.missing[:, nodes] & known, np.abs(expected), 0.0)
        self.end = start
        for measure, place in places.items():
            self.onsets.setdefault(measure, start)
            if place.expected is None and not self.is_own:
                self.is_own, self.evidence, self.watched = True, 0.0, _strongest(scene, seen, measure, place)
            if place.evidence > self.evidence and (place.expected is None or not self.is_own):
                self.evidence, self.home[:] = place.evidence, 0.0
                self.home[0, place.leaves] = 1.0

    def note(self, scene: HierarchyIndex, seen: Evidence) -> None:
        """Note which series of its home, or around it, are anomalous in an interval, how severely, and the course of every measure."""
        held = scene.count_leaves(self.home[0])
        known = set(self.series)
        found = zip(*(axis.tolist() for axis in np.nonzero(seen.anomalous & (held > 0))), strict=True)
        self.series += [pair for pair in found if pair not in known]
        inside = seen.anomalous & (held == scene.sizes)
        self.severity = max(self.severity, float(seen.severity[inside].max(initial=0.0)), float(np.nan_to_num(seen.severity[self.watched])))
        if len(self.trace) < LONGEST_TRACE:
            self.trace.append([float(sigmas) for sigmas in seen.sigmas[:, self.watched[1]]])

    def find_places(self, scene: HierarchyIndex) -> tuple[int, list[Place]]:
        """Return the measure that tells most, and the places where it moved."""
        self.resize(len(scene.leaves))
        found = []
        for measure in self.onsets:
            moves = Moves.of(self.actual[measure], self.expected[measure], np.sqrt(self.variance[measure]))
            found.append((measure, locate(scene.cuboids, moves)))
        measure, places = max(found, key=lambda pair: pair[1][0].evidence if pair[1] else 0.0)
        return (measure, places) if places else (self.watched[0], [self._watched_place(scene)])

    def _watched_place(self, scene: HierarchyIndex) -> Place:
        """Return where the strongest sign was, for an incident that is too weak to be located by its leaves."""
        node = self.watched[1]
        dimensions = tuple(d for d, value in enumerate(scene.nodes[node]) if value != ANY)
        return Place(dimensions, scene.cover(np.array([node])), 0.0, self.sign)

    def describe(self, scene: HierarchyIndex, is_open: bool) -> Incident:
        """Return the incident as it now stands."""
        measure, places = self.find_places(scene)
        causes = _describe_causes(self, scene, measure, places)
        first = places[0].leaves
        deviation = self.actual[measure, first] - self.expected[measure, first]
        names = [one.name for one in scene.settings.measures]
        return Incident(
            id=self.id,
            start=self.start,
            end=self.end,
            severity=round(self.severity, 2),
            direction="up" if self.sign > 0 else "down",
            kind="missing" if self.silent[measure, first].sum() * 2 > np.abs(deviation).sum() else "value",
            measures=tuple(names[m] for m in sorted(self.onsets, key=lambda m: (self.onsets[m], m != measure, m))),
            causes=causes,
            series=len(self.series),
            is_open=is_open,
            relations=relate(names, self.onsets, np.array(self.trace)),
        )


def _strongest(scene: HierarchyIndex, seen: Evidence, measure: int, place: Place) -> tuple[int, int]:
    """Return the measure and the node of a place, or the node with the strongest sign where that has none."""
    node = scene.find_node(place.dimensions, int(place.leaves[0]))
    if node is None or not seen.anomalous[measure, node]:
        node = int(np.where(seen.strong[measure] | seen.odd[measure], np.abs(seen.sigmas[measure]), 0).argmax())
    return measure, node


def _describe_causes(incident: OpenIncident, scene: HierarchyIndex, measure: int, places: Sequence[Place]) -> tuple[Cause, ...]:
    """Return the places by name, each with its share of the whole deviation and its change."""
    actual, expected = incident.actual[measure], incident.expected[measure]
    deviation = actual - expected
    weights = [abs(float(deviation[place.leaves].sum())) for place in places]
    rest = float(deviation.sum()) - sum(float(deviation[place.leaves].sum()) for place in places)
    whole = max(sum(weights) + abs(rest), 1e-12)
    causes = []
    for place, weight in zip(places, weights, strict=True):
        size = float(expected[place.leaves].sum())
        change = float(actual[place.leaves].sum()) / size - 1.0 if size else 0.0
        causes.append(Cause(scene.name_place(place.dimensions, int(place.leaves[0])), round(100 * weight / whole, 2), round(change, 4)))
    return tuple(causes)
