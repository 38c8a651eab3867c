"""Anomaly groups: the anomalous series of one measure in one interval."""

from __future__ import annotations

import numpy as np

from l4m.engine.contribution import contribute
from l4m.engine.evidence import Evidence
from l4m.engine.results import Group, SeriesAnomaly
from l4m.engine.scene import Scene

MOST_SERIES = 1_000  # listed with a group, the most severe first


def group_series(scene: Scene, seen: Evidence, measure: int, start: int, incident: str) -> Group | None:
    """Return the group of a measure in one interval, or None if none of its series is anomalous."""
    nodes = np.flatnonzero(seen.anomalous[measure])
    if not len(nodes):
        return None
    severity = seen.severity[measure]
    nodes = nodes[np.argsort(-severity[nodes], kind="stable")]
    sigmas, missing = seen.sigmas[measure, nodes], seen.missing[measure, nodes]
    series = tuple(_describe_series(scene, seen, measure, node) for node in nodes[:MOST_SERIES].tolist())
    return Group(
        measure=scene.settings.measures[measure].name,
        start=start,
        severity=float(severity[nodes[0]]),
        direction="up" if sigmas.sum() > 0 else "down",
        kind="missing" if np.abs(sigmas[missing]).sum() * 2 >= np.abs(sigmas).sum() else "value",
        series=series,
        contributions=contribute(scene.settings.dimensions, series),
        incident_id=incident,
    )


def _describe_series(scene: Scene, seen: Evidence, measure: int, node: int) -> SeriesAnomaly:
    """Return one anomalous series as it is reported."""
    at = (measure, node)
    return SeriesAnomaly(
        dimensions=scene.name_node(node),
        value=float("nan") if seen.missing[at] else float(seen.value[at]),
        expected=float(seen.expected[at]),
        lower=float(seen.lower[at]),
        upper=float(seen.upper[at]),
        severity=float(seen.severity[at]),
    )
