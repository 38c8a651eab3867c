"""The series that shows an incident best: its measures where its first cause is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.commands.point_files import PointFiles
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.results import Incident
from l4m.model import Aggregation, Measure
from l4m.sources.tables.intervals import DAY, Clock

Floats = NDArray[np.float64]
_FEWEST, _MOST = 60, 400  # intervals a chart shows
_LEAVES = 2_000  # leaves that are added up at most


@dataclass(frozen=True)
class IncidentSeries:
    """One series around an incident; ``event`` is the incident's first and last interval within it."""

    measure: str
    dimensions: Mapping[str, str]
    fields: dict[str, Floats]
    event: tuple[int, int]


def series_of(incident: Incident, measure: Measure, points: PointFiles, clock: Clock) -> IncidentSeries:
    """The points of a measure around an incident, where the incident's first cause is: its figures are about that."""
    dimensions = dict(incident.causes[0].dimensions) if incident.causes else {}
    first, last = clock.number(incident.start), clock.number(incident.end)
    before = int(np.clip(2 * (last - first), _FEWEST, _MOST // 2))
    per_day = DAY // clock.interval_seconds
    before = min(max(before, 2 * per_day), _MOST // 2)
    after = max(before // 3, 6)
    nodes = _nodes(points, dimensions)
    number = points.measures.index(measure.name)
    found = points.series(number, nodes, clock.start(first - before), clock.start(min(last, first + _MOST) + after))
    fields = _combine(found, measure.aggregation)
    starts = found["start"]
    event = int(np.searchsorted(starts, incident.start)), int(np.searchsorted(starts, incident.end, "right")) - 1
    return IncidentSeries(measure.name, dimensions, fields, (event[0], max(event)))


def _nodes(points: PointFiles, dimensions: Mapping[str, str]) -> list[int]:
    wanted = tuple(dimensions.get(name, ANY) for name in points.dimensions)
    if wanted in points.nodes:
        return [points.nodes.index(wanted)]
    leaves = [
        number
        for number, node in enumerate(points.nodes)
        if ANY not in node and all(want in (ANY, value) for want, value in zip(wanted, node, strict=True))
    ]
    return leaves[:_LEAVES]


def _combine(found: dict[str, Floats], aggregation: Aggregation) -> dict[str, Floats]:
    """One series from those of leaves: their sum or mean; bands of independent leaves add up as their squares do."""
    if found["value"].shape[1] == 1:
        return {name: array[:, 0] if array.ndim == 2 else array for name, array in found.items()}
    count = np.maximum(1, np.isfinite(found["value"]).sum(axis=1)) if aggregation is Aggregation.AVG else 1
    value, expected = (_total(found[name]) / count for name in ("value", "expected"))
    below, above = (np.sqrt(np.nansum((found[name] - found["expected"]) ** 2, axis=1)) / count for name in ("lower", "upper"))
    anomalous = (np.nan_to_num(found["is_anomaly"]) > 0).any(axis=1).astype(float)
    fields = {"value": value, "expected": expected, "lower": expected - below, "upper": expected + above, "is_anomaly": anomalous}
    return fields | {"start": found["start"], "severity": np.nanmax(np.nan_to_num(found["severity"]), axis=1, initial=0.0)}


def _total(values: Floats) -> Floats:
    return np.where(np.isfinite(values).any(axis=1), np.nansum(values, axis=1), np.nan)
