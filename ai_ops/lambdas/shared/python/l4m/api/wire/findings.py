"""Groups, series, executions, data quality and samples on the wire."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from l4m.answers import (
    Detected,
    DetectedConfig,
    Execution,
    FeedbackRecord,
    GroupDetail,
    GroupStatistics,
    GroupSummary,
    QualityMetric,
    QualityReport,
    RelatedMeasure,
    Sample,
    SeriesPage,
)
from l4m.api.wire.members import epoch, present
from l4m.api.wire.times import to_text

Wire = dict[str, Any]


def write_summary(group: GroupSummary) -> Wire:
    """A group in a list."""
    return {
        "StartTime": to_text(group.start),
        "EndTime": to_text(group.end),
        "AnomalyGroupId": group.id,
        "AnomalyGroupScore": round(group.score, 2),
        "PrimaryMetricName": group.measure,
    }


def write_group(group: GroupDetail) -> Wire:
    """A group with its impact on each measure."""
    impacts = [
        {
            "MetricName": impact.measure,
            "NumTimeSeries": impact.series,
            "ContributionMatrix": {"DimensionContributionList": _contributions(impact.contributions)},
        }
        for impact in group.impacts
    ]
    return write_summary(group.summary) | {"MetricLevelImpactList": impacts}


def write_statistics(statistics: GroupStatistics) -> Wire:
    """Counts of a detector's groups."""
    start = statistics.evaluation_start
    return present(
        EvaluationStartDate=to_text(start) if start else None,
        TotalCount=statistics.total,
        ItemizedMetricStatsList=[{"MetricName": name, "OccurrenceCount": count} for name, count in statistics.by_measure.items()],
    )


def write_series(page: SeriesPage) -> Wire:
    """Series with their values; a number that is none goes as the text that the protocol has for it."""
    return {
        "TimestampList": [to_text(moment) for moment in page.timestamps],
        "TimeSeriesList": [
            {
                "TimeSeriesId": one.id,
                "DimensionList": [{"DimensionName": name, "DimensionValue": value} for name, value in one.dimensions.items()],
                "MetricValueList": _numbers(one.values),
            }
            for one in page.series
        ],
    }


def write_related(related: RelatedMeasure) -> Wire:
    """A cause or an effect of a group."""
    return present(
        MetricName=related.measure,
        AnomalyGroupId=related.group_id,
        RelationshipType=related.relationship,
        ContributionPercentage=related.contribution,
    )


def write_execution(execution: Execution) -> Wire:
    """One run over one interval."""
    return present(Timestamp=to_text(execution.timestamp), Status=execution.status, FailureReason=(execution.reason or "")[:256] or None)


def write_feedback(record: FeedbackRecord) -> Wire:
    """What was said about one series."""
    return {"TimeSeriesId": record.series.id, "IsAnomaly": record.is_anomaly}


def write_quality(report: QualityReport) -> Wire:
    """The quality of what was read since a time."""
    metric_sets = [
        {"MetricSetArn": arn, "DataQualityMetricList": [_quality_metric(one) for one in metrics]}
        for arn, metrics in report.metric_sets.items()
    ]
    return {"StartTimestamp": epoch(report.start), "MetricSetDataQualityMetricList": metric_sets}


def write_sample(sample: Sample) -> Wire:
    """The head of a file."""
    return {"HeaderValues": list(sample.headers), "SampleRows": [list(row) for row in sample.rows]}


def write_detected(config: DetectedConfig) -> Wire:
    """Settings guessed from files."""
    descriptor = {name: _detected(value) for name, value in config.format.items()}
    kinds = {"csv": "CsvFormatDescriptor", "json": "JsonFormatDescriptor"}
    source = {"S3SourceConfig": {"FileFormatDescriptor": {kinds[config.kind]: descriptor}}} if config.kind in kinds else None
    return present(
        Offset=_detected(config.offset_seconds),
        MetricSetFrequency=_detected(config.frequency),
        MetricSource=source,
    )


def _contributions(contributions: Mapping[str, Mapping[str, float]]) -> list[Wire]:
    return [
        {
            "DimensionName": name,
            "DimensionValueContributionList": [
                {"DimensionValue": value, "ContributionScore": share} for value, share in _largest_first(shares.items())
            ],
        }
        for name, shares in contributions.items()
    ]


def _largest_first(shares: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(shares, key=lambda pair: (-pair[1], pair[0]))


def _numbers(values: Sequence[float]) -> Sequence[float | str]:
    return values if all(map(math.isfinite, values)) else [_number(value) for value in values]


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _quality_metric(metric: QualityMetric) -> Wire:
    return present(
        MetricType=metric.kind,
        MetricDescription=metric.description[:256] or None,
        RelatedColumnName=metric.column,
        MetricValue=_number(metric.value),
    )


def _detected(detected: Detected) -> Wire:
    value = detected.value
    kind = "SS" if isinstance(value, tuple) else "S" if isinstance(value, str) else "N"
    given = list(value) if isinstance(value, tuple) else value if isinstance(value, str) else f"{value:g}" if value is not None else None
    return present(Value={kind: given} if given is not None else None, Confidence=detected.confidence, Message=detected.message or None)
