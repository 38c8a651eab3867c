"""Anomaly groups: the series of one measure that incidents show in one interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents.contribution import contribute, share_out
from l4m.engine.incidents.incident import OpenIncident
from l4m.engine.incidents.tracker import Interval, severity_of
from l4m.engine.results import Group, SeriesAnomaly

MOST_SERIES = 1_000  # listed with a group, those that deviate most first
MOST_VALUES = 1_000  # of a dimension, the largest contributions first
SHOWN = 1.0  # standard errors, from which on a leaf of an incident is listed
BAND = 2.0  # standard errors around what was due

Array = NDArray[np.float32]


def group_series(
    index: HierarchyIndex, now: Interval, measure: int, incidents: Sequence[OpenIncident], *, severity: Array, weights: Array
) -> Group | None:
    """Return the group of a measure in one interval, or None if no leaf of the incidents deviates.

    Parameters
    ----------
    incidents : those that go on in this interval and measure; the strongest owns the group
    severity : float32 array, shape (leaves,)
        Of the points, NaN where there is none.
    weights : float32 array, shape (leaves,)
        What accounts are divided by to be values again.
    """
    owner = max(incidents, key=lambda one: one.strength)
    home = np.logical_or.reduce([one.leaves for one in incidents])
    side = np.where(owner.leaves, owner.side, 0)
    for one in incidents:
        side = np.where(side == 0, np.where(one.leaves, one.side, 0), side)
    value, due = now.value[:, measure].astype(np.float64), now.due[:, measure].astype(np.float64)
    error = np.sqrt(np.maximum(now.variance[:, measure].astype(np.float64), 1e-12))
    deviation = value - due
    shown = np.flatnonzero(home & (side * deviation > 0) & (np.abs(deviation) >= SHOWN * error))
    if not len(shown):
        shown = np.flatnonzero(home & (side * deviation > 0))
        shown = shown[np.argsort(-np.abs(deviation[shown]), kind="stable")][:1]
    if not len(shown):
        return None
    shown = shown[np.argsort(-np.abs(deviation[shown] / error[shown]), kind="stable")]
    absent = now.absent[shown, measure]
    whole = severity_of(owner.strength)
    own = np.where(np.isnan(severity), np.float32(0), severity)
    series = []
    for leaf in shown[:MOST_SERIES].tolist():
        weight = max(float(weights[leaf]), 1e-12)
        expected, wide = due[leaf] / weight, BAND * error[leaf] / weight
        series.append(
            SeriesAnomaly(
                dimensions=index.name_node(int(index.leaf_nodes[leaf])),
                value=float("nan") if now.absent[leaf, measure] else float(value[leaf] / weight),
                expected=float(expected),
                lower=float(expected - wide) if due[leaf] < 0 else max(0.0, float(expected - wide)),
                upper=float(expected + wide),
                severity=round(max(float(own[leaf]), min(whole, 50.0)), 2),
            )
        )
    return Group(
        measure=index.settings.measures[measure].name,
        start=now.start,
        severity=round(max([whole, *(one.severity for one in series)]), 2),
        direction="up" if owner.side > 0 else "down",
        kind="missing" if np.abs(deviation[shown][absent]).sum() * 2 > np.abs(deviation[shown]).sum() else "value",
        series=tuple(series),
        contributions=_share_leaves(index, side[shown] * deviation[shown], shown),
        incident_id=owner.id,
    )


def _share_leaves(index: HierarchyIndex, deviation: NDArray[np.float64], leaves: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return, per dimension, each value's share of the deviation of some leaves."""
    shares = {}
    for dimension, names, codes in zip(index.settings.dimensions, index.values, index.codes[leaves].T, strict=True):
        weights = contribute(deviation, codes)
        largest = np.argsort(-weights, kind="stable")[:MOST_VALUES]
        shares[dimension] = share_out({names[code]: float(weights[code]) for code in largest if weights[code] > 0})
    return {dimension: found for dimension, found in shares.items() if found}
