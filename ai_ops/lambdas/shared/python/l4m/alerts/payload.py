"""What SNS and Lambda receive: the keys that readers of the old service parse, plus an explanation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from l4m.model import Alert, Detector

MOST_NAMED = (50, 20, 5, 1)  # series, and values of a dimension: as many of them as fit
LARGEST = 200_000  # bytes; SNS takes 256 KB, and texts come beside
_NAMESPACE = UUID("0d1c2c1e-54c5-5a5e-8a8f-0f3a3d0a4b11")


def build_payload(alert: Alert, detector: Detector, group: Mapping[str, Any], explanation: Mapping[str, Any], event: str) -> dict[str, Any]:
    """One alert about one group; ``event`` tells apart what is said about it (first word, corrections)."""
    common = _common(alert, detector, group, explanation, event)
    for most in MOST_NAMED:
        payload = {**common, "impactedMetric": _impacted(group, most)}
        if len(json.dumps(payload)) <= LARGEST:
            break
    return payload


def _common(alert: Alert, detector: Detector, group: Mapping[str, Any], explanation: Mapping[str, Any], event: str) -> dict[str, Any]:
    region = detector.arn.split(":")[3]
    return {
        "anomalyDetectorArn": detector.arn,
        "anomalyScore": group["score"],
        "consoleUrl": f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#metricsV2:query=~'LookoutMetrics*20{detector.name}",
        "anomalyGroupId": group["id"],
        "alertName": alert.name,
        "alertArn": alert.arn,
        "alertEventId": event_id(alert.arn, event),
        "alertDescription": alert.description,
        "timestamp": time_string(group["start"]),
        "correlationId": detector.correlation_id,
        "explanation": {**explanation, "incidentStart": time_string(explanation["incidentStart"])},
    }


def _impacted(group: Mapping[str, Any], most: int) -> dict[str, Any]:
    return {
        "metricName": group["measure"],
        "dimensionContribution": [_contribution(name, shares, most) for name, shares in group["contributions"].items()],
        "relevantTimeSeries": [_relevant(series) for series in group["series"][:most]],
    }


def event_id(alert_arn: str, event: str) -> str:
    """The id of one word about a group; whoever receives it twice can tell."""
    return f"{alert_arn}:event/{uuid5(_NAMESPACE, event)}"


def time_string(moment: int) -> str:
    """A time as the service always wrote it: ``2022-01-15T04:25Z[UTC]``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%MZ[UTC]")


def _contribution(name: str, shares: Mapping[str, float], most: int) -> dict[str, Any]:
    largest = sorted(shares.items(), key=lambda pair: -pair[1])[:most]
    values = [{"dimensionValue": value, "valueContribution": share} for value, share in largest]
    return {"dimensionName": name, "dimensionValueContributions": values}


def _relevant(series: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = [{"dimensionName": name, "dimensionValue": value} for name, value in series["dimensions"].items()]
    return {"timeSeriesId": series["id"], "dimensions": dimensions, "metricValue": series["value"]}
