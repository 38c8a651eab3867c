"""Anomaly groups: the anomalous series of one measure in one interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.contribution import contribute, share_out
from l4m.engine.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.results import Group, SeriesAnomaly

MOST_SERIES = 1_000  # listed with a group, the most severe first
LARGEST = 1e30  # sums stay finite
MOST_VALUES = 1_000  # of a dimension, the largest contributions first


def group_series(scene: HierarchyIndex, seen: Evidence, measure: int, start: int, incident: str) -> Group | None:
    """Return the group of a measure in one interval, or None if none of its series is anomalous."""
    nodes = np.flatnonzero(seen.anomalous[measure])
    if not len(nodes):
        return None
    severity = seen.severity[measure]
    nodes = nodes[np.argsort(-severity[nodes], kind="stable")]
    sigmas, missing = seen.sigmas[measure, nodes], seen.missing[measure, nodes]
    series = tuple(_describe_series(scene, seen, measure, node) for node in nodes[:MOST_SERIES].tolist())
    sign = 1 if sigmas.sum() > 0 else -1
    return Group(
        measure=scene.settings.measures[measure].name,
        start=start,
        severity=float(severity[nodes[0]]),
        direction="up" if sign > 0 else "down",
        kind="missing" if np.abs(sigmas[missing]).sum() * 2 >= np.abs(sigmas).sum() else "value",
        series=series,
        contributions=_share_leaves(scene, seen, measure, scene.cover(nodes), sign),
        incident_id=incident,
    )


def _describe_series(scene: HierarchyIndex, seen: Evidence, measure: int, node: int) -> SeriesAnomaly:
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


def _share_leaves(scene: HierarchyIndex, seen: Evidence, measure: int, leaves: NDArray[np.int64], sign: int) -> dict[str, dict[str, float]]:
    """Return, per dimension, each value's share of the deviation of some leaves; a missing leaf deviates by what was expected."""
    nodes = scene.leaf_nodes[leaves]
    deviation = seen.value[measure, nodes].astype(np.float64) - seen.expected[measure, nodes]
    deviation = np.nan_to_num(sign * deviation, posinf=LARGEST, neginf=-LARGEST)
    shares = {}
    for dimension, names, codes in zip(scene.settings.dimensions, scene.values, scene.codes[leaves].T, strict=True):
        weights = contribute(deviation, codes)
        largest = np.argsort(-weights, kind="stable")[:MOST_VALUES]
        shares[dimension] = share_out({names[code]: float(weights[code]) for code in largest if weights[code] > 0})
    return {dimension: found for dimension, found in shares.items() if found}
