"""What a run found, as plain documents: groups, incidents and the fate of each interval, ready to be published."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha512
from typing import Any

from l4m.engine.results import Cause, Group, Incident, Outcome, SeriesAnomaly
from l4m.model import Aggregation
from l4m.service.runs.detector_job import DetectorJob
from l4m.service.runs.reading import Reading
from l4m.store.index import IndexEntry

MOST_SERIES = 1000  # series of a group that are kept one by one, the most severe

Report = dict[str, Any]


def series_id(detector_arn: str, measure: str, dimensions: Mapping[str, str]) -> str:
    """The id of a time series: 128 hex characters, the same for as long as the detector has its name."""
    return sha512(
        "\x00".join((detector_arn, measure, *(part for pair in sorted(dimensions.items()) for part in pair))).encode()
    ).hexdigest()


def build_report(
    job: DetectorJob,
    reading: Reading,
    outcome: Outcome,
    open_before: Collection[str],
    *,
    is_correction: bool = False,
) -> Report:
    """Everything that publishing needs; the same run repeated builds the same report."""
    starts = reading.starts
    groups = [_describe_group(job, starts, group) for group in outcome.groups]
    return {
        "starts": list(starts),
        "groups": groups,
        "retracted": _find_retracted(job, starts, groups) if is_correction else [],
        "incidents": [_describe_incident(job, starts, incident, open_before) for incident in outcome.incidents],
        "completeness": dict(reading.completeness),
        "is_correction": is_correction,
    }


def still_open(before: Collection[str], outcome: Outcome) -> tuple[str, ...]:
    """The incidents that are open after an outcome."""
    closed = {incident.id for incident in outcome.incidents if not incident.is_open}
    return tuple(sorted((set(before) | {incident.id for incident in outcome.incidents}) - closed))


def _describe_group(job: DetectorJob, starts: Sequence[int], group: Group) -> dict[str, Any]:
    detector = job.detector
    severity = round(group.severity, 2)
    entry = IndexEntry(_interval(job, starts, group.start), job.timeline.seconds, group.measure, severity)
    return {
        "id": entry.group_id(detector.arn),
        "measure": group.measure,
        "start": entry.start,
        "interval_seconds": entry.interval_seconds,
        "score": severity,
        "direction": group.direction,
        "kind": group.kind,
        "incident_id": group.incident_id,
        "contributions": {name: dict(shares) for name, shares in group.contributions.items()},
        "series_count": len(group.series),
        "series": [_describe_series(detector.arn, group.measure, one) for one in group.series[:MOST_SERIES]],
    }


def _find_retracted(job: DetectorJob, starts: Sequence[int], groups: Sequence[Report]) -> list[str]:
    """Ids of groups that an earlier reading of the same intervals found and this one did not."""
    found = {group["id"] for group in groups}
    timeline = job.timeline
    before = job.index.between(starts[0], timeline.after(starts[-1]))
    ids = [entry.group_id(job.detector.arn) for entry in before if entry.interval_seconds == timeline.seconds]
    return [identifier for identifier in ids if identifier not in found]


def _describe_series(detector_arn: str, measure: str, series: SeriesAnomaly) -> dict[str, Any]:
    numbers = {name: _number(getattr(series, name)) for name in ("value", "expected", "lower", "upper", "severity")}
    return {"id": series_id(detector_arn, measure, series.dimensions), "dimensions": dict(series.dimensions), **numbers}


def _describe_incident(job: DetectorJob, starts: Sequence[int], incident: Incident, open_before: Collection[str]) -> dict[str, Any]:
    if not incident.is_open:
        change = "closed"
    else:
        is_known = incident.id in open_before or job.known_incident(incident.id) is not None
        change = "changed" if is_known else "opened"
    return {
        "id": incident.id,
        "start": _interval(job, starts, incident.start),
        "end": _interval(job, starts, incident.end),
        "noticed": _interval(job, starts, incident.noticed or incident.start),
        "severity": round(incident.severity, 2),
        "direction": incident.direction,
        "measures": list(incident.measures),
        "causes": [_describe_cause(cause) for cause in incident.causes],
        **_figures(job, incident),
        "series": incident.series,
        "kind": incident.kind,
        "is_open": incident.is_open,
        "is_lasting": incident.is_lasting,
        "change": change,
        "relations": {cause: dict(effects) for cause, effects in incident.relations.items()},
    }


def _figures(job: DetectorJob, incident: Incident) -> dict[str, float | None]:
    """What came and what was due of the first measure at the first cause, and the change; averages have no sum to tell."""
    sums = {one.name for one in job.metric_set.measures if one.aggregation is Aggregation.SUM}
    is_sum = bool(incident.measures) and incident.measures[0] in sums
    return {
        "actual": _number(incident.actual) if is_sum else None,
        "expected": _number(incident.expected) if is_sum else None,
        "relative_change": _number(incident.change),
    }


def _describe_cause(cause: Cause) -> dict[str, Any]:
    return {"dimensions": dict(cause.dimensions), "contribution": round(cause.contribution, 2), "change": _number(cause.change)}


def _interval(job: DetectorJob, starts: Sequence[int], moment: int) -> int:
    """The interval that the engine means: it counts evenly, but a local day may have 23 or 25 hours."""
    seconds = job.timeline.seconds
    number = round((moment - starts[0]) / seconds)
    if 0 <= number < len(starts):
        return starts[number]
    return job.timeline.floor(moment + seconds // 4)


def _number(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None
