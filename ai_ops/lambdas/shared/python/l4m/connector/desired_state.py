"""params.json in the words of the API: detector, metric set, alert and tags as create and update take them."""

from __future__ import annotations

from typing import Any

from l4m.connector.params import AlertParams, Params

HISTORY_TAG = "l4m:history"
SENSITIVITY_TAG = "l4m:sensitivity"
MANAGED = {"l4m:managed-by": "params.json"}


def detector_fields(params: Params) -> dict[str, Any]:
    """The detector but for its name."""
    fields: dict[str, Any] = {"AnomalyDetectorConfig": {"AnomalyDetectorFrequency": params.frequency.value}}
    return fields | ({"AnomalyDetectorDescription": params.description} if params.description else {})


def metric_set_fields(params: Params) -> dict[str, Any]:
    """The metric set but for its name and timezone, which an update cannot change."""
    return {
        "MetricList": [dict(measure) for measure in params.measures],
        "Offset": params.offset_seconds,
        "TimestampColumn": dict(params.timestamp),
        "DimensionList": list(params.dimensions),
        "MetricSetFrequency": params.frequency.value,
        "MetricSource": dict(params.source),
    }


def alert_fields(params: Params, alert: AlertParams) -> dict[str, Any]:
    """The alert but for its name."""
    described = {"AlertDescription": alert.description} if alert.description else {}
    return {"AlertSensitivityThreshold": alert.threshold, "Action": _action(params, alert), **described}


def detector_tags(params: Params, history: str | None) -> dict[str, str]:
    """What the detector's tags remember: the crawled history it learns from, where one was crawled, and the sensitivity."""
    learned = {} if history is None else {HISTORY_TAG: history}
    return {**learned, **MANAGED, SENSITIVITY_TAG: str(params.sensitivity)}


def _action(params: Params, alert: AlertParams) -> dict[str, Any]:
    if alert.lambda_arn:
        return {"LambdaConfiguration": {"RoleArn": params.role_arn, "LambdaArn": alert.lambda_arn}}
    return {"SNSConfiguration": {"RoleArn": params.role_arn, "SnsTopicArn": alert.sns_topic_arn}}
