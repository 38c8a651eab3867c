"""Operations on anomaly groups and what users say about them."""

from __future__ import annotations

from typing import Any

from l4m.api.operations.paging import answer_page
from l4m.api.wire import findings
from l4m.service.context import Context
from l4m.service.queries import anomalies, feedback

Members = dict[str, Any]
Answer = tuple[Members, str | None]


def list_anomaly_group_summaries(context: Context, members: Members) -> Members:
    """Groups of a detector, newest first, with counts over all of them."""
    detector = members["AnomalyDetectorArn"]
    threshold = members["SensitivityThreshold"]

    def ask(limit: int, after: str | None) -> Answer:
        page, statistics = anomalies.survey_groups(context, detector, threshold, limit, after)
        groups = [findings.write_summary(group) for group in page.items]
        return {"AnomalyGroupSummaryList": groups, "AnomalyGroupStatistics": findings.write_statistics(statistics)}, page.next

    return answer_page(context, "ListAnomalyGroupSummaries", members, ask)


def get_anomaly_group(context: Context, members: Members) -> Members:
    """A group with the contributions to it."""
    group = anomalies.get_group(context, members["AnomalyDetectorArn"], members["AnomalyGroupId"])
    return {"AnomalyGroup": findings.write_group(group)}


def list_anomaly_group_time_series(context: Context, members: Members) -> Members:
    """The anomalous series of a group over time."""
    detector = members["AnomalyDetectorArn"]
    group = members["AnomalyGroupId"]
    measure = members["MetricName"]

    def ask(limit: int, after: str | None) -> Answer:
        page = anomalies.list_series(context, detector, group, measure, limit=limit, after=after)
        return {"AnomalyGroupId": group, "MetricName": measure} | findings.write_series(page), page.next

    return answer_page(context, "ListAnomalyGroupTimeSeries", members, ask)


def list_anomaly_group_related_metrics(context: Context, members: Members) -> Members:
    """Causes and effects of a group."""
    detector = members["AnomalyDetectorArn"]
    group = members["AnomalyGroupId"]
    wanted = members.get("RelationshipTypeFilter")

    def ask(limit: int, after: str | None) -> Answer:
        page = anomalies.list_related(context, detector, group, wanted, limit=limit, after=after)
        return {"InterMetricImpactList": [findings.write_related(one) for one in page.items]}, page.next

    return answer_page(context, "ListAnomalyGroupRelatedMetrics", members, ask)


def put_feedback(context: Context, members: Members) -> Members:
    """Whether a series of a group was an anomaly."""
    said = members["AnomalyGroupTimeSeriesFeedback"]
    feedback.put_feedback(context, members["AnomalyDetectorArn"], said["AnomalyGroupId"], said["TimeSeriesId"], said["IsAnomaly"])
    return {}


def get_feedback(context: Context, members: Members) -> Members:
    """What was said about a group, or one series of it."""
    detector = members["AnomalyDetectorArn"]
    asked = members["AnomalyGroupTimeSeriesFeedback"]

    def ask(limit: int, after: str | None) -> Answer:
        page = feedback.list_feedback(context, detector, asked["AnomalyGroupId"], asked.get("TimeSeriesId"), limit=limit, after=after)
        return {"AnomalyGroupTimeSeriesFeedback": [findings.write_feedback(one) for one in page.items]}, page.next

    return answer_page(context, "GetFeedback", members, ask)
