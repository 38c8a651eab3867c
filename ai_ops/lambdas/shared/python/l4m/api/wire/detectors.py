"""Detectors on the wire."""

from __future__ import annotations

from typing import Any

from l4m.api.wire.members import epoch, present
from l4m.model import Detector

FIELDS = {
    "frequency": "AnomalyDetectorConfig.AnomalyDetectorFrequency",
    "detector_arn": "AnomalyDetectorArn",
    "source.templated_path": "MetricSource.S3SourceConfig.TemplatedPathList",
    "source.historical_path": "MetricSource.S3SourceConfig.HistoricalDataPathList",
    "tags": "Tags",
}


def describe(detector: Detector) -> dict[str, Any]:
    """A detector whole."""
    return present(
        AnomalyDetectorArn=detector.arn,
        AnomalyDetectorName=detector.name,
        AnomalyDetectorDescription=detector.description,
        AnomalyDetectorConfig={"AnomalyDetectorFrequency": detector.frequency},
        CreationTime=epoch(detector.created),
        LastModificationTime=epoch(detector.modified),
        Status=detector.status,
        FailureReason=detector.failure_reason,
        KmsKeyArn=detector.kms_key_arn,
        FailureType=detector.failure_type,
    )


def summarise(detector: Detector) -> dict[str, Any]:
    """A detector in a list."""
    whole = describe(detector)
    for name in ("AnomalyDetectorConfig", "FailureReason", "KmsKeyArn", "FailureType"):
        whole.pop(name, None)
    return whole | present(Tags=dict(detector.tags) or None)
