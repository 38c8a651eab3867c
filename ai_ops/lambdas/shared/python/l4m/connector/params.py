"""params.json as the connector sees it: checked, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from l4m.databases.registry import DATABASES
from l4m.model import Frequency

DIMENSIONS = ("platform", "marketplace")
OFFSET_SECONDS = 0
THRESHOLD = 1
SENSITIVITY = 50


@dataclass(frozen=True)
class AlertParams:
    """Whom to tell: a function or a topic, at and above a severity."""

    name: str
    threshold: int
    description: str | None
    lambda_arn: str | None
    sns_topic_arn: str | None


@dataclass(frozen=True)
class Params:
    """One params.json; ``source`` and ``measures`` are kept as the API takes them."""

    database_type: str
    detector_name: str
    description: str | None
    frequency: Frequency
    timestamp: Mapping[str, str]
    measures: tuple[Mapping[str, str], ...]
    dimensions: tuple[str, ...]
    source: Mapping[str, Any]
    bucket: str
    secret_name: str
    offset_seconds: int
    timezone: str
    historical_end: datetime | None
    sensitivity: int
    alert: AlertParams | None

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Params:
        """Read a params.json that was validated; a missing required key raises KeyError."""
        end = given.get("historical_end")
        return cls(
            database_type=given["database_type"],
            detector_name=f"{given['detector_name']}-{given['database_type']}",
            description=given.get("detector_description"),
            frequency=Frequency(given["detector_frequency"]),
            timestamp=given["timestamp_column"],
            measures=tuple(given["metrics_set"]),
            dimensions=tuple(given.get("dimension_list", DIMENSIONS)),
            source=given["metric_source"],
            bucket=given["s3_bucket"],
            secret_name=given.get("secret_name", DATABASES[given["database_type"]].secret_name),
            offset_seconds=given.get("offset", OFFSET_SECONDS),
            timezone=given.get("timezone", "UTC"),
            historical_end=datetime.fromisoformat(end) if end else None,
            sensitivity=given.get("sensitivity", SENSITIVITY),
            alert=_alert(given),
        )

    @property
    def metric_set_name(self) -> str:
        """The name of the detector's one metric set."""
        return f"{self.detector_name}-metric-set-1"

    @property
    def role_arn(self) -> str:
        """The role under which the database writes and the service reads."""
        return str(self._s3["RoleArn"])

    @property
    def historical_path(self) -> str:
        """The folder of history, with its closing slash."""
        return _folder(self._s3["HistoricalDataPathList"][0])

    @property
    def templated_path(self) -> str:
        """The folder of one interval as a template, with its closing slash."""
        return _folder(self._s3["TemplatedPathList"][0])

    @property
    def csv(self) -> Mapping[str, Any]:
        """The format that the crawls write."""
        descriptor: Mapping[str, Any] = self._s3["FileFormatDescriptor"]["CsvFormatDescriptor"]
        return descriptor

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a query has to deliver."""
        return (self.timestamp["ColumnName"], *(measure["MetricName"] for measure in self.measures), *self.dimensions)

    @property
    def _s3(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.source["S3SourceConfig"]
        return config


def _folder(path: str) -> str:
    return path.rstrip("/") + "/"


def _alert(given: Mapping[str, Any]) -> AlertParams | None:
    function = given.get("alert_lambda_arn") or None
    topic = given.get("alert_sns_topic_arn") or None
    if not function and not topic:
        return None
    return AlertParams(
        name=given["alert_name"],
        threshold=given.get("alert_threshold", THRESHOLD),
        description=given.get("alert_description") or None,
        lambda_arn=function,
        sns_topic_arn=topic,
    )
