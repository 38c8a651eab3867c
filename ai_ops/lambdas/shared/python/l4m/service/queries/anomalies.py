"""What a detector found, for those who ask: groups, their series over time, and how measures relate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from l4m.answers import (
    GroupDetail,
    GroupSeries,
    GroupStatistics,
    GroupSummary,
    MeasureImpact,
    Page,
    RelatedMeasure,
    SeriesPage,
    SeriesValues,
)
from l4m.errors import NotFound
from l4m.model import Detector
from l4m.service.context import Context
from l4m.store.anomalies import Anomalies
from l4m.store.bucket import Bucket
from l4m.store.index import Index, IndexEntry

CAUSE = "CAUSE_OF_INPUT_ANOMALY_GROUP"
EFFECT = "EFFECT_OF_INPUT_ANOMALY_GROUP"


def survey_groups(
    context: Context, detector_arn: str, threshold: int, limit: int, after: str | None
) -> tuple[Page[GroupSummary], GroupStatistics]:
    """A page of groups of at least a severity, newest first, and all such groups counted by measure."""
    detector = context.resources.detector(detector_arn)
    index = Index(context.table, detector.name)
    census = index.count(threshold)
    found = index.entries(census, limit + 1, threshold, after)
    page = Page(tuple(_summary(detector, entry) for entry in found[:limit]), found[limit - 1].position if len(found) > limit else None)
    counts = census.by_measure
    return page, GroupStatistics(None if census.since is None else _time(census.since), counts.total(), dict(counts))


def get_group(context: Context, detector_arn: str, identifier: str) -> GroupDetail:
    """A group whole."""
    group = _group(_found(context, detector_arn), identifier)
    start = _time(group["start"])
    summary = GroupSummary(group["id"], start, start, group["score"], group["measure"])
    return GroupDetail(summary, (MeasureImpact(group["measure"], group["series_count"], group["contributions"]),))


def require_group(context: Context, detector_arn: str, identifier: str) -> None:
    """Raise NotFound unless the group exists."""
    _group(_found(context, detector_arn), identifier)


def list_series(context: Context, detector_arn: str, identifier: str, measure: str, *, limit: int, after: str | None) -> SeriesPage:
    """The anomalous series of a group with their values up to the anomaly, most severe first."""
    anomalies = _found(context, detector_arn)
    group = _group(anomalies, identifier)
    if measure != group["measure"]:
        raise NotFound("Metric", measure)
    first = int(after) if after is not None else 0
    chosen = group["series"][first : first + limit]
    stamps = group["timestamps"]
    values = anomalies.group_values(group, first, len(chosen), len(stamps))
    series = tuple(SeriesValues(one["id"], one["dimensions"], tuple(row)) for one, row in zip(chosen, values, strict=True))
    following = first + limit
    return SeriesPage(tuple(map(_time, stamps)), series, str(following) if following < len(group["series"]) else None)


def list_related(
    context: Context, detector_arn: str, identifier: str, relationship: str | None, *, limit: int, after: str | None
) -> Page[RelatedMeasure]:
    """Measures of the same incident that are causes or effects of a group, the strongest causes first."""
    detector = context.resources.detector(detector_arn)
    anomalies = _anomalies(context, detector)
    group = _group(anomalies, identifier)
    incident = anomalies.incident(group["incident_id"]) or {"relations": {}, "groups": {}}
    related = [one for one in _related(detector, group, incident) if relationship in (None, one.relationship)]
    first = int(after) if after is not None else 0
    following = first + limit
    return Page(tuple(related[first:following]), str(following) if following < len(related) else None)


def find_series(context: Context, detector_arn: str, identifier: str, series_id: str) -> GroupSeries:
    """One series of a group."""
    group = _group(_found(context, detector_arn), identifier)
    for one in group["series"]:
        if one["id"] == series_id:
            return GroupSeries(series_id, group["measure"], one["dimensions"], one["severity"], group["direction"])
    raise NotFound("TimeSeries", series_id)


def _related(detector: Detector, group: Mapping[str, Any], incident: Mapping[str, Any]) -> list[RelatedMeasure]:
    entries = [IndexEntry.at(position, score) for position, score in incident["groups"].items()]
    entries.sort(key=lambda entry: abs(entry.start - group["start"]), reverse=True)
    nearest = {entry.measure: entry.group_id(detector.arn) for entry in entries}  # the last one counts
    related = []
    for cause, effects in incident["relations"].items():
        for effect, share in effects.items():
            if effect == group["measure"] and cause in nearest:
                related.append(RelatedMeasure(cause, nearest[cause], CAUSE, share))
            if cause == group["measure"] and effect in nearest:
                related.append(RelatedMeasure(effect, nearest[effect], EFFECT, None))
    return sorted(related, key=lambda one: (one.relationship, -(one.contribution or 0), one.measure))


def _group(anomalies: Anomalies, identifier: str) -> dict[str, Any]:
    group = anomalies.group(identifier)
    if group is None:
        raise NotFound("AnomalyGroup", identifier)
    return group


def _found(context: Context, detector_arn: str) -> Anomalies:
    return _anomalies(context, context.resources.detector(detector_arn))


def _anomalies(context: Context, detector: Detector) -> Anomalies:
    bucket = Bucket(context.clients.client("s3"), context.bucket, detector.kms_key_arn)
    return Anomalies(bucket, detector.name)


def _summary(detector: Detector, entry: IndexEntry) -> GroupSummary:
    start = _time(entry.start)
    return GroupSummary(entry.group_id(detector.arn), start, start, entry.score, entry.measure)


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
