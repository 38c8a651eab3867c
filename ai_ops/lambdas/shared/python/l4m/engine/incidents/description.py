"""Incidents as they are told: named causes, and one number each for what came, what was due and the change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents.incident import OpenIncident
from l4m.engine.incidents.lead_lag import relate
from l4m.engine.incidents.places import dimensions_of, find_places
from l4m.engine.incidents.tracker import severity_of
from l4m.engine.results import Cause, Incident

Floats = NDArray[np.float64]


def describe(index: HierarchyIndex, one: OpenIncident, is_open: bool) -> Incident:
    """Return an incident as it now stands."""
    one.resize(len(index.leaves))
    measure = one.lead
    actual, due = one.actual[measure], one.due[measure]
    causes, first = _find_causes(index, one, actual, due)
    names = [measure.name for measure in index.settings.measures]
    came, expected = float(actual[first].sum()), float(due[first].sum())
    return Incident(
        id=one.id,
        start=one.start_time,
        end=one.end_time,
        severity=round(severity_of(one.strength), 2),
        direction="up" if one.side > 0 else "down",
        kind="missing" if one.is_missing else "value",
        measures=tuple(names[m] for m in sorted(one.onsets, key=lambda m: (m != measure, one.onsets[m], m))),
        causes=causes,
        series=int(one.leaves.sum()),
        is_open=is_open,
        relations=relate(names, one.onsets, np.array(one.trace).reshape(-1, len(names))) if len(one.onsets) > 1 else {},
        noticed=one.noticed_time,
        actual=came,
        expected=expected,
        is_lasting=one.is_lasting,
    )


def _find_causes(index: HierarchyIndex, one: OpenIncident, actual: Floats, due: Floats) -> tuple[tuple[Cause, ...], NDArray[np.int64]]:
    """Return the causes by name, each with its share of the whole deviation and its change, and the leaves of the first."""
    places = [
        (place.dimensions, place.leaves)
        for place in find_places(index, actual, due, one.variance[one.lead])
        if place.sign == one.side and one.leaves[place.leaves].any()
    ]
    if not places:
        places = [(dimensions_of(index, one.node), np.flatnonzero(one.leaves))]
    deviation = actual - due
    weights = [abs(float(deviation[leaves].sum())) for _, leaves in places]
    rest = float(deviation[one.leaves].sum()) - sum(float(deviation[leaves].sum()) for _, leaves in places)
    whole = max(sum(weights) + abs(rest), 1e-12)
    causes = []
    for (dimensions, leaves), weight in zip(places, weights, strict=True):
        size = float(due[leaves].sum())
        change = float(actual[leaves].sum()) / size - 1.0 if size > 1e-9 else float("inf")
        causes.append(Cause(index.name_place(dimensions, int(leaves[0])), round(100 * weight / whole, 2), round(change, 4)))
    return tuple(causes), places[0][1]
