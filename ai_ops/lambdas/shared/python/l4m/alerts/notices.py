"""What has to be told about a run: an alert per group and alert, a correction, an event per incident."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from l4m.alerts.explanation import explain_group
from l4m.alerts.filters import concerns
from l4m.alerts.payload import build_payload, time_string
from l4m.alerts.texts import long_text, short_text, subject
from l4m.model import Alert, Detector, LambdaTarget, MetricSet

SNS = "sns"
LAMBDA = "lambda"
EVENT = "event"
EVENT_SOURCE = "l4m"


@dataclass(frozen=True)
class Notice:
    """One message; its id is the same whenever the same is to be said."""

    id: str
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What alerts speak about: the detector and its metric set."""

    detector: Detector
    metric_set: MetricSet


def alert_notices(
    about: Subject, alerts: Sequence[Alert], report: Mapping[str, Any], incidents: Mapping[str, Mapping[str, Any]]
) -> Iterator[Notice]:
    """One notice for each alert and group that concerns it."""
    for group in report["groups"]:
        explanation = explain_group(group, incidents.get(group["incident_id"]), report["completeness"])
        for alert in alerts:
            if concerns(alert, group):
                yield _notice(about, alert, group, explanation, notice_id(alert, group["id"]))


def notice_id(alert: Alert, group_id: str) -> str:
    """The id of an alert's first word about a group."""
    return f"{alert.name}#{group_id}"


def incident_notices(detector: Detector, incidents: Iterable[Mapping[str, Any]]) -> Iterator[Notice]:
    """One EventBridge event for each incident that opened, changed or closed."""
    for incident in incidents:
        detail = {
            "anomalyDetectorArn": detector.arn,
            "correlationId": detector.correlation_id,
            "incident": {name: value for name, value in incident.items() if name not in ("change", "relations")},
            "startTime": time_string(incident["start"]),
            "endTime": time_string(incident["end"]),
        }
        body = {"detail_type": f"Anomaly Incident {incident['change'].capitalize()}", "detail": detail, "resources": [detector.arn]}
        yield Notice(f"incident#{incident['id']}#{incident['end']:012d}#{incident['change']}", EVENT, body)


def _notice(about: Subject, alert: Alert, group: Mapping[str, Any], explanation: Mapping[str, Any], event: str) -> Notice:
    payload = build_payload(alert, about.detector, group, explanation, event)
    common = {"alert_arn": alert.arn, "role_arn": alert.target.role_arn, "group_id": group["id"], "score": group["score"]}
    if isinstance(alert.target, LambdaTarget):
        return Notice(event, LAMBDA, {**common, "function_arn": alert.target.function_arn, "payload": payload})
    timezone = about.metric_set.timezone
    texts: dict[str, Any] = {"topic_arn": alert.target.topic_arn, "payload": payload}
    if alert.target.format == "LONG_TEXT":
        texts["text"] = long_text(alert, about.detector, group, explanation, timezone)
    elif alert.target.format == "SHORT_TEXT":
        texts["text"] = short_text(group, explanation, timezone)
    return Notice(event, SNS, {**common, **texts, "subject": subject(about.detector, group, explanation)})
