"""Detectors, metric sets, alerts and feedback as JSON documents, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
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
from l4m.store.formats import read_fields

Document = dict[str, Any]
Resource = Detector | MetricSet | Alert
_TIMES = {"created": datetime.fromisoformat, "modified": datetime.fromisoformat}


def to_document(resource: Detector | MetricSet | Alert | FeedbackRecord) -> Document:
    """What JSON can hold of a resource: texts, numbers, lists and objects."""
    return {name: _plain(value) for name, value in asdict(resource).items()}


def edited(document: Document, before: Resource, after: Resource) -> Document:
    """A document that said ``before`` and is to say ``after``; what nobody changed stays as it is written, unknown fields and all."""
    fresh = to_document(after)
    return document | {name: fresh[name] for name in fresh if name not in document or getattr(after, name) != getattr(before, name)}


def to_detector(document: Document) -> Detector:
    """The detector in a document."""
    return read_fields(Detector, document, **_TIMES, frequency=Frequency, status=DetectorStatus, failure_type=FailureType)


def to_metric_set(document: Document) -> MetricSet:
    """The metric set in a document."""
    return read_fields(
        MetricSet,
        document,
        **_TIMES,
        measures=lambda listed: tuple(read_fields(Measure, one, aggregation=Aggregation) for one in listed),
        source=_source,
        frequency=Frequency,
        dimensions=tuple,
        timestamp=partial(read_fields, TimestampColumn),
        filters=_tuples,
    )


def to_alert(document: Document) -> Alert:
    """The alert in a document."""
    return read_fields(Alert, document, **_TIMES, target=_target, measures=tuple, dimension_filters=_tuples)


def to_feedback(document: Document) -> FeedbackRecord:
    """The feedback in a document."""
    return read_fields(FeedbackRecord, document, series=partial(read_fields, GroupSeries), created=datetime.fromisoformat)


def _source(document: Document) -> S3Source | OtherSource:
    if "kind" in document:
        return read_fields(OtherSource, document)
    return read_fields(S3Source, document, format=_format)


def _format(document: Document) -> CsvFormat | JsonFormat:
    return read_fields(CsvFormat, document, headers=tuple) if "delimiter" in document else read_fields(JsonFormat, document)


def _target(document: Document) -> SnsTarget | LambdaTarget:
    return read_fields(SnsTarget, document) if "topic_arn" in document else read_fields(LambdaTarget, document)


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
