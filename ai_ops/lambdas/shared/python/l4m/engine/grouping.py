"""Anomaly groups: the anomalous series of one measure in one interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.contribution import contribute
from l4m.engine.evidence import Evidence
from l4m.engine.results import Group, SeriesAnomaly
from l4m.engine.rollups import ANY
from l4m.engine.settings import Settings

MOST_SERIES = 1_000  # listed with a group, the most severe first


def name_node(dimensions: tuple[str, ...], node: tuple[str, ...]) -> dict[str, str]:
    """Return the dimension values that a node keeps."""
    return {name: value for name, value in zip(dimensions, node, strict=True) if value != ANY}


def group_series(
    settings: Settings, nodes: list[tuple[str, ...]], seen: Evidence, at: int, measure: int, start: int, incident: str
) -> Group | None:
    """Return the group of a measure in interval ``at`` of the evidence, or None if none of its series is anomalous."""
    picked = np.flatnonzero(seen.anomalous[measure, at])
    if not len(picked):
        return None
    severity = seen.severity[measure, at]
    picked = picked[np.argsort(-severity[picked], kind="stable")]
    sigmas = seen.sigmas[measure, at, picked]
    missing = seen.missing[measure, at, picked]
    silent = bool(np.abs(sigmas[missing]).sum() * 2 >= np.abs(sigmas).sum())
    series = tuple(_describe(settings, nodes, seen, (measure, at, node)) for node in picked[:MOST_SERIES].tolist())
    return Group(
        measure=settings.measures[measure].name,
        start=start,
        severity=float(severity[picked[0]]),
        direction="up" if sigmas.sum() > 0 else "down",
        kind="missing" if silent else "value",
        series=series,
        contributions=contribute(settings.dimensions, series),
        incident_id=incident,
    )


def _describe(settings: Settings, nodes: list[tuple[str, ...]], seen: Evidence, at: tuple[int, int, int]) -> SeriesAnomaly:
    """Return one anomalous series as it is reported."""
    return SeriesAnomaly(
        dimensions=name_node(settings.dimensions, nodes[at[2]]),
        value=float("nan") if seen.missing[at] else float(seen.value[at]),
        expected=float(seen.expected[at]),
        lower=float(seen.lower[at]),
        upper=float(seen.upper[at]),
        severity=float(seen.severity[at]),
    )


def depth_of(nodes: list[tuple[str, ...]]) -> NDArray[np.int64]:
    """Return how many dimensions each node keeps."""
    return np.array([sum(value != ANY for value in node) for node in nodes], np.int64)
