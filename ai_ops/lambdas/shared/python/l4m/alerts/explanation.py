"""Why a group was reported, in words and figures: expected range, direction, causes, related measures, completeness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_CAUSES = 5
MUCH = 0.5  # of the largest deviation in a group

Document = Mapping[str, Any]


def explain_group(group: Document, incident: Document | None, completeness: Document) -> dict[str, Any]:
    """The ``explanation`` that rides along with an alert."""
    known = incident or {}
    headline = incident_figures(group, known) or _series_figures(headline_series(group, incident))
    return {
        "incidentId": group["incident_id"],
        "incidentStart": known.get("start", group["start"]),
        "direction": group["direction"],
        "kind": group["kind"],
        **headline,
        "causes": list(known.get("causes", ()))[:MOST_CAUSES],
        "relatedMeasures": [name for name in known.get("measures", ()) if name != group["measure"]],
        "anomalousSeries": group["series_count"],
        "confidence": confidence(group["score"]),
        "completeness": dict(completeness),
    }


def incident_figures(group: Document, incident: Document) -> dict[str, Any] | None:
    """What an incident says of itself, the same figures wherever it is told: of its first measure, where its first cause is, since it
    began; None for a group of another measure, and where an incident has no sum to tell.
    """
    causes, measures = incident.get("causes", ()), incident.get("measures", ())
    if not causes or not measures or measures[0] != group["measure"] or incident.get("expected") is None:
        return None
    place = causes[0]["dimensions"]
    is_one = incident["start"] == incident["end"]
    band = next((one for one in group["series"] if is_one and one["dimensions"] == place), {"lower": None, "upper": None})
    change = incident["relative_change"]
    return {
        "dimensions": place,
        "actual": incident["actual"],
        "expected": incident["expected"],
        "lower": band["lower"],
        "upper": band["upper"],
        "changePercent": None if change is None else round(100 * change, 1),
    }


def _series_figures(series: Document) -> dict[str, Any]:
    """The figures of one series of a group."""
    return {
        "dimensions": series["dimensions"],
        "actual": series["value"],
        "expected": series["expected"],
        "lower": series["lower"],
        "upper": series["upper"],
        "changePercent": change_percent(series),
    }


def headline_series(group: Document, incident: Document | None) -> Document:
    """The series that tells the story best: the one of the strongest cause, if it is much of this group; else the widest.

    Causes are an incident's, and an incident may have moved on since it began.
    """
    series = {frozenset(one["dimensions"].items()): one for one in reversed(group["series"])}
    largest = max(map(_deviation, group["series"]))
    for cause in (incident or {}).get("causes", ()):
        found: Document | None = series.get(frozenset(cause["dimensions"].items()))
        if found is not None and _deviation(found) >= MUCH * largest:
            return found
    chosen: Document = min(group["series"], key=lambda one: len(one["dimensions"]))
    return chosen


def _deviation(series: Document) -> float:
    """How far a series is from what was expected, in its own unit."""
    return abs(float(series["value"] or 0) - float(series["expected"] or 0))


def change_percent(series: Document) -> float | None:
    """How far a value is from what was expected; None when nothing was expected or nothing came."""
    if series["value"] is None or not series["expected"]:
        return None
    change: float = (series["value"] - series["expected"]) / abs(series["expected"])
    return round(100 * change, 1)


def confidence(score: float) -> str:
    """What a severity means: how seldom a series that is well does such a thing."""
    if score >= 90:
        return "once a year or less"
    if score >= 70:
        return "about once a month"
    return "about once a week" if score >= 50 else "more often than once a week"
