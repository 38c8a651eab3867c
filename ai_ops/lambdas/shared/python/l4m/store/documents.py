"""Detectors, metric sets, alerts and feedback as JSON documents, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from l4m.answers import FeedbackRecord, GroupSeries
from l4m.model import (
    Aggregation,
    Alert,
    CsvFormat,
    Detector,
    DetectorStatus,
    FailureType,
    Frequency,
    JsonFormat,
    LambdaTarget,
    Measure,
    MetricSet,
    OtherSource,
    S3Source,
    SnsTarget,
    TimestampColumn,
)

Document = dict[str, Any]


def to_document(resource: Detector | MetricSet | Alert | FeedbackRecord) -> Document:
    """What JSON can hold of a resource: texts, numbers, lists and objects."""
    return {name: _plain(value) for name, value in asdict(resource).items()}


def to_detector(document: Document) -> Detector:
    """The detector in a document."""
    failure = document["failure_type"]
    return Detector(
        **_with_times(document)
        | {
            "frequency": Frequency(document["frequency"]),
            "status": DetectorStatus(document["status"]),
            "failure_type": FailureType(failure) if failure else None,
        }
    )


def to_metric_set(document: Document) -> MetricSet:
    """The metric set in a document."""
    timestamp = document["timestamp"]
    return MetricSet(
        **_with_times(document)
        | {
            "measures": tuple(Measure(m["name"], Aggregation(m["aggregation"]), m["namespace"]) for m in document["measures"]),
            "source": _source(document["source"]),
            "frequency": Frequency(document["frequency"]),
            "dimensions": tuple(document["dimensions"]),
            "timestamp": TimestampColumn(**timestamp) if timestamp else None,
            "filters": _tuples(document["filters"]),
        }
    )


def to_alert(document: Document) -> Alert:
    """The alert in a document."""
    target = document["target"]
    return Alert(
        **_with_times(document)
        | {
            "target": SnsTarget(**target) if "topic_arn" in target else LambdaTarget(**target),
            "measures": tuple(document["measures"]),
            "dimension_filters": _tuples(document["dimension_filters"]),
        }
    )


def to_feedback(document: Document) -> FeedbackRecord:
    """The feedback in a document."""
    created = datetime.fromisoformat(document["created"])
    return FeedbackRecord(**document | {"series": GroupSeries(**document["series"]), "created": created})


def _source(document: Document) -> S3Source | OtherSource:
    if "kind" in document:
        return OtherSource(**document)
    text = document["format"]
    is_csv = "delimiter" in text
    return S3Source(**document | {"format": CsvFormat(**text | {"headers": tuple(text["headers"])}) if is_csv else JsonFormat(**text)})


def _with_times(document: Document) -> Document:
    return document | {name: datetime.fromisoformat(document[name]) for name in ("created", "modified")}


def _tuples(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in lists.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value  # an enum member is a text
