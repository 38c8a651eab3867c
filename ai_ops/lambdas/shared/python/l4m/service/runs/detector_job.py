"""One detector at work: what it watches, its clock, and where its things are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from aws_lambda_powertools import Logger

from l4m.errors import Fault, InvalidInput, Unreadable
from l4m.model import Detector, MetricSet
from l4m.service.context import Context
from l4m.service.runs.timeline import Timeline
from l4m.store.anomalies import Anomalies, Document
from l4m.store.bucket import Bucket
from l4m.store.index import Index
from l4m.store.outbox import Outbox
from l4m.store.runs import Runs

logger = Logger(service="run-detection", child=True)


@dataclass(frozen=True)
class DetectorJob:
    """A detector of one generation with its metric set and surroundings."""

    context: Context
    detector: Detector
    metric_set: MetricSet

    @classmethod
    def of(cls, context: Context, detector_arn: str) -> DetectorJob:
        """The job of a detector as it now stands; it must have a metric set."""
        detector, metric_set = context.resources.watched(detector_arn)
        if metric_set is None:
            raise InvalidInput(Fault("AnomalyDetectorArn", f"{detector.name} has no metric set"))
        return cls(context, detector, metric_set)

    @cached_property
    def timeline(self) -> Timeline:
        """The metric set's intervals."""
        return Timeline.of(self.metric_set)

    @cached_property
    def bucket(self) -> Bucket:
        """Where states and groups are kept."""
        return Bucket(self.context.clients.client("s3"), self.context.bucket, self.detector.kms_key_arn)

    @cached_property
    def runs(self) -> Runs:
        """How far the detector has come."""
        return Runs(self.context.table, self.detector.name, self.detector.generation)

    @cached_property
    def anomalies(self) -> Anomalies:
        """What the detector found."""
        return Anomalies(self.bucket, self.detector.name)

    @cached_property
    def index(self) -> Index:
        """When it found what."""
        return Index(self.context.table, self.detector.name)

    @cached_property
    def outbox(self) -> Outbox:
        """What is still to be told."""
        return Outbox(self.context.table, self.detector.name)

    def known_group(self, identifier: str) -> Document | None:
        """A group that was found before, None when there is none, or none that can be read: a run writes it anew then."""
        return _if_readable(self.anomalies.group, identifier)

    def known_incident(self, identifier: str) -> Document | None:
        """The same of an incident."""
        return _if_readable(self.anomalies.incident, identifier)

    @property
    def prefix(self) -> str:
        """Where this generation's objects lie in the bucket."""
        return prefix_of(self.detector.name, self.detector.generation)


def _if_readable(read: Callable[[str], Document | None], identifier: str) -> Document | None:
    try:
        return read(identifier)
    except Unreadable as error:
        logger.warning("a finding cannot be read", extra={"id": identifier, "error": str(error)})
        return None


def prefix_of(detector: str, generation: int) -> str:
    """Where the objects of one generation of a detector lie."""
    return f"{detector}/{generation:010d}"
