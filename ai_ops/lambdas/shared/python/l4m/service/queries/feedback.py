"""Feedback: what users say about the anomalous series of a group."""

from __future__ import annotations

from l4m.answers import FeedbackRecord, Page
from l4m.service.context import Context
from l4m.service.queries.anomalies import find_series, require_group


def put_feedback(context: Context, detector_arn: str, group_id: str, series_id: str, is_anomaly: bool) -> None:
    """Say whether a series of a group was an anomaly; the last word counts, in this and in every later group."""
    context.resources.detector(detector_arn)
    series = find_series(context, detector_arn, group_id, series_id)
    context.resources.put_feedback(detector_arn, FeedbackRecord(group_id, series, is_anomaly, context.now))


def list_feedback(
    context: Context, detector_arn: str, group_id: str, series_id: str | None, *, limit: int, after: str | None
) -> Page[FeedbackRecord]:
    """What was said about a group, or about one of its series."""
    context.resources.detector(detector_arn)
    require_group(context, detector_arn, group_id)
    if series_id is not None:
        return context.resources.series_feedback(detector_arn, group_id, series_id)
    return context.resources.group_feedback(detector_arn, group_id, limit, after)
