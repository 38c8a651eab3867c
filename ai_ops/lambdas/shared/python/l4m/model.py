"""The nouns of the service: detectors, metric sets, alerts, and the states they can be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

UPLOAD_TAG = "l4m:upload"  # of a detector: the version of params.json that it follows


class Frequency(StrEnum):
    """How often a metric set reports."""

    PT5M = "PT5M"
    PT10M = "PT10M"
    PT1H = "PT1H"
    P1D = "P1D"

    @property
    def seconds(self) -> int:
        """Length of the interval."""
        return {"PT5M": 300, "PT10M": 600, "PT1H": 3600, "P1D": 86400}[self.value]


class Aggregation(StrEnum):
    """How the rows of one interval become one value."""

    SUM = "SUM"
    AVG = "AVG"


class DetectorStatus(StrEnum):
    """Where a detector stands in its life."""

    INACTIVE = "INACTIVE"
    ACTIVATING = "ACTIVATING"
    LEARNING = "LEARNING"
    ACTIVE = "ACTIVE"
    DEACTIVATING = "DEACTIVATING"
    DEACTIVATED = "DEACTIVATED"
    BACK_TEST_ACTIVATING = "BACK_TEST_ACTIVATING"
    BACK_TEST_ACTIVE = "BACK_TEST_ACTIVE"
    BACK_TEST_COMPLETE = "BACK_TEST_COMPLETE"
    FAILED = "FAILED"
    DELETING = "DELETING"


class FailureType(StrEnum):
    """What a detector was doing when it failed."""

    ACTIVATION_FAILURE = "ACTIVATION_FAILURE"
    BACK_TEST_ACTIVATION_FAILURE = "BACK_TEST_ACTIVATION_FAILURE"
    DELETION_FAILURE = "DELETION_FAILURE"
    DEACTIVATION_FAILURE = "DEACTIVATION_FAILURE"


class Direction(StrEnum):
    """The side of the expected range on which a value is reported."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True)
class Measure:
    """A column of numbers that is watched."""

    name: str
    aggregation: Aggregation = Aggregation.SUM
    namespace: str | None = None


@dataclass(frozen=True)
class TimestampColumn:
    """The column of times and its format: a Java pattern, or UNIX."""

    name: str
    format: str


@dataclass(frozen=True)
class CsvFormat:
    """How delimited text is written."""

    compression: str = "NONE"
    charset: str = "UTF-8"
    has_header: bool = True
    delimiter: str = ","
    headers: tuple[str, ...] = ()
    quote: str = '"'


@dataclass(frozen=True)
class JsonFormat:
    """How JSON lines are written."""

    compression: str = "NONE"
    charset: str = "UTF-8"


@dataclass(frozen=True)
class S3Source:
    """Files in a bucket: one folder of history, one templated folder per interval."""

    role_arn: str
    templated_path: str | None
    historical_path: str | None
    format: CsvFormat | JsonFormat
    kind: ClassVar[str] = "S3SourceConfig"


@dataclass(frozen=True)
class OtherSource:
    """A source type of the API that is kept as it was given: ``kind`` is its wire name."""

    kind: str
    settings: Mapping[str, Any]

    @property
    def role_arn(self) -> str:
        """The role under which it is read; empty where none is given."""
        return str(self.settings.get("RoleArn") or "")


@dataclass(frozen=True)
class Detector:
    """A detector; ``generation`` counts its learnings from a random number on: no two detectors of a name ever share one."""

    arn: str
    name: str
    frequency: Frequency
    created: datetime
    modified: datetime
    description: str | None = None
    kms_key_arn: str | None = None
    status: DetectorStatus = DetectorStatus.INACTIVE
    failure_type: FailureType | None = None
    failure_reason: str | None = None
    generation: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def correlation_id(self) -> str:
        """What everything said about it is found by: the upload of params.json that it follows, or else its name."""
        return self.tags.get(UPLOAD_TAG, self.name)


@dataclass(frozen=True)
class MetricSet:
    """What a detector watches, and where it comes from."""

    arn: str
    detector_arn: str
    name: str
    measures: tuple[Measure, ...]
    source: S3Source | OtherSource
    frequency: Frequency
    created: datetime
    modified: datetime
    description: str | None = None
    dimensions: tuple[str, ...] = ()
    timestamp: TimestampColumn | None = None
    timezone: str = "UTC"
    offset_seconds: int = 0
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SnsTarget:
    """A topic that is told, through a role, in one of three formats."""

    role_arn: str
    topic_arn: str
    format: str = "JSON"


@dataclass(frozen=True)
class LambdaTarget:
    """A function that is invoked through a role."""

    role_arn: str
    function_arn: str


@dataclass(frozen=True)
class Alert:
    """Whom to tell about groups of at least ``threshold``; filters are AND across dimensions, OR within one."""

    arn: str
    detector_arn: str
    name: str
    target: SnsTarget | LambdaTarget
    created: datetime
    modified: datetime
    threshold: int = 0
    description: str | None = None
    status: str = "ACTIVE"
    measures: tuple[str, ...] = ()
    dimension_filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
