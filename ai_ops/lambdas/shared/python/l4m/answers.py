"""What detection found, as the store keeps it and the API shows it: groups, series, executions, quality, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list; ``next`` is the position to go on from, None on the last page."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True)
class GroupSummary:
    """An anomaly group in a list; ``end`` is the start of its last interval."""

    id: str
    start: datetime
    end: datetime
    score: float
    measure: str


@dataclass(frozen=True)
class MeasureImpact:
    """What a group did to one measure: anomalous series, and each dimension's shares (value -> share, summing to 100)."""

    measure: str
    series: int
    contributions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupDetail:
    """An anomaly group whole."""

    summary: GroupSummary
    impacts: tuple[MeasureImpact, ...]


@dataclass(frozen=True)
class GroupStatistics:
    """All groups of a detector at or above a threshold, counted by measure."""

    evaluation_start: datetime | None
    total: int
    by_measure: Mapping[str, int]


@dataclass(frozen=True)
class SeriesValues:
    """One anomalous series with its values, one per timestamp of the page; NaN where nothing was reported."""

    id: str
    dimensions: Mapping[str, str]
    values: tuple[float, ...]


@dataclass(frozen=True)
class SeriesPage:
    """Series of a group over a shared stretch of time."""

    timestamps: tuple[datetime, ...]
    series: tuple[SeriesValues, ...]
    next: str | None = None


@dataclass(frozen=True)
class RelatedMeasure:
    """A group of another measure that is a cause or an effect; only causes have a contribution (0-100)."""

    measure: str
    group_id: str
    relationship: str  # CAUSE_OF_INPUT_ANOMALY_GROUP or EFFECT_OF_INPUT_ANOMALY_GROUP
    contribution: float | None = None


@dataclass(frozen=True)
class Execution:
    """One run of a detector over one interval; ``status`` is an AnomalyDetectionTaskStatus."""

    timestamp: datetime
    status: str
    reason: str | None = None


@dataclass(frozen=True)
class QualityMetric:
    """One figure about the data that was read; ``kind`` is a DataQualityMetricType."""

    kind: str
    value: float
    description: str = ""
    column: str | None = None


@dataclass(frozen=True)
class QualityReport:
    """The quality of the data that a detector read since ``start``, by metric set (ARN)."""

    start: datetime
    metric_sets: Mapping[str, tuple[QualityMetric, ...]]


@dataclass(frozen=True)
class Sample:
    """The head of a file: its column names and first rows, all as text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Detected:
    """A setting guessed from data; numbers, texts and lists of texts are told apart on the wire."""

    value: str | float | tuple[str, ...] | None
    confidence: str = "NONE"  # HIGH, LOW or NONE
    message: str = ""


@dataclass(frozen=True)
class DetectedConfig:
    """Settings of a metric set guessed from its files; ``kind`` is "csv", "json" or "" and says whose ``format`` it is.

    Keys of ``format`` are wire names: FileCompression, Charset, ContainsHeader, Delimiter, HeaderList, QuoteSymbol.
    """

    offset_seconds: Detected
    frequency: Detected
    kind: str
    format: Mapping[str, Detected] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupSeries:
    """An anomalous series of a group, as feedback needs to know it."""

    id: str
    measure: str
    dimensions: Mapping[str, str]
    severity: float
    direction: str  # "up" or "down"


@dataclass(frozen=True)
class FeedbackRecord:
    """What a user said about one series of a group; the newest record of a series counts."""

    group_id: str
    series: GroupSeries
    is_anomaly: bool
    created: datetime
