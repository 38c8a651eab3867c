"""Incidents: what moved, since when and where, joined over measures and adjacent intervals."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import LEAVING_SIGMAS, Evidence
from l4m.engine.location import Place, locate
from l4m.engine.relations import relate
from l4m.engine.results import Cause, Incident
from l4m.engine.settings import Settings

PATIENCE_SECONDS = 7_200  # an incident that is calm for longer is over
LONGEST_TRACE = 96  # intervals of which the course is kept
ARRAYS = ("actual", "expected", "variance", "silent")

Floats = NDArray[np.float64]


@dataclass
class OpenIncident:
    """An incident as it goes on: sums over its strong intervals, shape (measures, leaves), and the course of each measure."""

    id: str
    start: int
    end: int
    severity: float
    sign: int
    watched: list[tuple[int, int]]  # measure and node of the strongest sign of it
    onsets: dict[int, int]  # first interval of each measure
    actual: Floats
    expected: Floats
    variance: Floats
    silent: Floats  # expected from leaves that should have reported and did not
    series: list[tuple[int, int]] = field(default_factory=list)
    trace: list[list[float]] = field(default_factory=list)  # per interval, the deviation of each measure in standard errors

    def to_document(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can hold it."""
        return {name: value for name, value in self.__dict__.items() if name not in ARRAYS}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], arrays: Sequence[Floats]) -> OpenIncident:
        """Return the incident that ``to_document`` described."""
        pairs = {name: [tuple(pair) for pair in document[name]] for name in ("watched", "series")}
        onsets = {int(measure): start for measure, start in document["onsets"].items()}
        return cls(**{**document, **pairs, "onsets": onsets, **dict(zip(ARRAYS, arrays, strict=True))})

    def resize(self, leaves: int) -> None:
        """Make room for leaves that have appeared since."""
        for name in ARRAYS:
            array = getattr(self, name)
            if array.shape[1] < leaves:
                setattr(self, name, np.pad(array, ((0, 0), (0, leaves - array.shape[1]))))


def open_incident(settings: Settings, nodes: Sequence[tuple[str, ...]], leaves: int, seen: Evidence, at: int, start: int) -> OpenIncident:
    """Return a new incident that begins with interval ``at`` of the evidence."""
    strength = np.where(seen.strong[:, at], np.abs(seen.sigmas[:, at]), 0.0)
    measure, node = (int(i) for i in np.unravel_index(int(strength.argmax()), strength.shape))
    sign = 1 if seen.sigmas[measure, at, node] > 0 else -1
    name = f"l4m:incident:{start}:{settings.measures[measure].name}:{'|'.join(nodes[node])}:{sign}"
    shape = (len(settings.measures), leaves)
    sums = [np.zeros(shape) for _ in ARRAYS]
    return OpenIncident(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), start, start, 0.0, sign, [(measure, node)], {}, *sums)


def extend_incident(incident: OpenIncident, leaf_nodes: NDArray[np.int64], seen: Evidence, at: int, start: int) -> None:
    """Add an interval with strong signs to an incident."""
    incident.resize(len(leaf_nodes))
    value, expected = seen.value[:, at, leaf_nodes].astype(np.float64), seen.expected[:, at, leaf_nodes].astype(np.float64)
    known = np.isfinite(value) & np.isfinite(expected)
    incident.actual += np.where(known, value, 0.0)
    incident.expected += np.where(known, expected, 0.0)
    incident.variance += np.where(known, seen.error[:, at, leaf_nodes].astype(np.float64) ** 2, 0.0)
    incident.silent += np.where(seen.missing[:, at, leaf_nodes] & known, np.abs(expected), 0.0)
    strong = seen.strong[:, at]
    incident.severity = max(incident.severity, float(seen.severity[:, at][strong].max(initial=0.0)))
    incident.end = start
    for measure in np.flatnonzero(strong.any(axis=1)).tolist():
        incident.onsets.setdefault(measure, start)
    known_series = set(incident.series)
    incident.series += [
        pair for pair in zip(*(i.tolist() for i in np.nonzero(seen.anomalous[:, at])), strict=True) if pair not in known_series
    ]
    _trace(incident, seen, at)


def goes_on(incident: OpenIncident, seen: Evidence, at: int) -> bool:
    """Whether the strongest sign of an incident is still there, on the same side."""
    return any(incident.sign * seen.sigmas[measure, at, node] >= LEAVING_SIGMAS for measure, node in incident.watched)


def _trace(incident: OpenIncident, seen: Evidence, at: int) -> None:
    """Keep the course of every measure at the node that moved most."""
    node = incident.watched[0][1]
    if len(incident.trace) < LONGEST_TRACE:
        incident.trace.append([float(sigma) for sigma in seen.sigmas[:, at, node]])


def find_places(incident: OpenIncident, codes: NDArray[np.int64]) -> tuple[int, list[Place]]:
    """Return the measure that tells most, and the places where it moved."""
    found = []
    for measure in incident.onsets:
        actual, expected = incident.actual[measure], incident.expected[measure]
        found.append((measure, locate(codes, actual, expected, np.sqrt(incident.variance[measure]))))
    return max(found, key=lambda pair: pair[1][0].evidence if pair[1] else 0.0)


def describe_incident(
    incident: OpenIncident, settings: Settings, leaves: Sequence[tuple[str, ...]], codes: NDArray[np.int64], is_open: bool
) -> Incident:
    """Return an incident as it now stands."""
    incident.resize(len(leaves))
    measure, places = find_places(incident, codes)
    deviation = incident.actual[measure] - incident.expected[measure]
    weights = [abs(float(deviation[place.leaves].sum())) for place in places]
    rest = np.setdiff1d(np.arange(len(leaves)), np.concatenate([place.leaves for place in places])) if places else np.array([], int)
    whole = max(sum(weights) + abs(float(deviation[rest].sum())), 1e-12)
    causes = [
        _describe_cause(incident, measure, place, settings, leaves, 100 * weight / whole)
        for place, weight in zip(places, weights, strict=True)
    ]
    first = places[0].leaves if places else np.arange(len(leaves))
    silent = incident.silent[measure, first].sum() * 2 > np.abs(deviation[first]).sum()
    order = sorted(incident.onsets, key=lambda m: (incident.onsets[m], m != measure, m))
    names = [one.name for one in settings.measures]
    return Incident(
        id=incident.id,
        start=incident.start,
        end=incident.end,
        severity=round(incident.severity, 2),
        direction="up" if incident.sign > 0 else "down",
        kind="missing" if silent else "value",
        measures=tuple(names[m] for m in order),
        causes=tuple(causes) or (Cause({}, 100.0),),
        series=len(incident.series),
        is_open=is_open,
        relations=relate(names, incident.onsets, np.array(incident.trace)),
    )


def _describe_cause(
    incident: OpenIncident, measure: int, place: Place, settings: Settings, leaves: Sequence[tuple[str, ...]], share: float
) -> Cause:
    """Return a place by its names."""
    leaf = leaves[int(place.leaves[0])]
    expected = float(incident.expected[measure, place.leaves].sum())
    change = float(incident.actual[measure, place.leaves].sum()) / expected - 1 if expected else 0.0
    return Cause({settings.dimensions[d]: leaf[d] for d in place.dimensions}, round(share, 2), round(change, 4))
