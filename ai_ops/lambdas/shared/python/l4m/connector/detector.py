"""The detector that params.json describes, brought about step by step: what is there is observed, never assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from l4m.connector.desired_state import MANAGED, alert_fields, detector_fields, detector_tags, metric_set_fields
from l4m.connector.params import AlertParams, Params
from l4m.connector.plan import Action, Actual, Change, needs_replacement, plan
from l4m.errors import L4mError
from l4m.model import UPLOAD_TAG

RESTING = {"INACTIVE", "DEACTIVATED", "FAILED", "BACK_TEST_COMPLETE"}
RUNNING = {"LEARNING", "ACTIVE"}


class DetectorFailed(L4mError):
    """The service could not activate the detector."""


@dataclass(frozen=True)
class Progress:
    """Whether the detector is as described and watches; ``activated`` once this execution has asked it to."""

    is_ready: bool
    status: str
    activated: bool
    arn: str | None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DetectorSetup:
    """One detector, reached through a ``lookoutmetrics`` client.

    ``history`` tells what it learns from, ``upload`` whose wish it follows: its logs and alerts carry that on.
    """

    client: Any
    params: Params
    history: str | None
    check: Callable[[], None] = lambda: None  # raises when this set-up is no longer wanted; asked before each change
    upload: str | None = None

    def advance(self, activated: bool) -> Progress:
        """Do all that can be done now; call again until it is ready."""
        actual = observe(self.client, self.params)
        if actual.status == "FAILED" and activated:
            raise DetectorFailed(f"detector {self.params.detector_name}: {actual.detector.get('FailureReason', 'no reason given')}")
        if actual.arn and actual.status not in RESTING | RUNNING:
            return Progress(False, actual.status, activated, actual.arn)
        if needs_replacement(self.params, actual):
            return self._clear(actual, "delete")
        changes = plan(self.params, self.history, actual)
        if actual.status in RUNNING and any(change.relearns for change in changes):
            return self._clear(actual, "deactivate")
        return self._apply(actual, changes, activated)

    def _clear(self, actual: Actual, action: str) -> Progress:
        self.check()
        getattr(self.client, f"{action}_anomaly_detector")(AnomalyDetectorArn=actual.arn)
        return Progress(False, actual.status, False, actual.arn, (f"{action} detector {self.params.detector_name}",))

    def _apply(self, actual: Actual, changes: tuple[Change, ...], activated: bool) -> Progress:
        self.check()
        arn = actual.arn or self._create_detector()
        if self.upload and actual.tags.get(UPLOAD_TAG) != self.upload:
            self.client.tag_resource(ResourceArn=arn, Tags={UPLOAD_TAG: self.upload})
        for change in changes:
            self.check()
            self._make(change, arn, actual)
        done = tuple(map(str, changes))
        if actual.status in RUNNING:
            return Progress(not changes, actual.status, activated, arn, done)
        self.client.activate_anomaly_detector(AnomalyDetectorArn=arn)
        return Progress(False, "ACTIVATING", True, arn, (*done, f"activate detector {self.params.detector_name}"))

    def _make(self, change: Change, arn: str, actual: Actual) -> None:
        match change.resource, change.action:
            case "detector", Action.UPDATE:
                self.client.update_anomaly_detector(AnomalyDetectorArn=arn, **detector_fields(self.params))
            case "tags", _:
                self.client.tag_resource(ResourceArn=arn, Tags=detector_tags(self.params, self.history))
            case "metric_set", _:
                self._put_metric_set(change, arn, actual)
            case "alert_filters", _:
                self.client.update_alert(AlertArn=actual.alerts[change.name]["AlertArn"], AlertFilters={})
            case "alert", Action.DELETE:
                self.client.delete_alert(AlertArn=actual.alerts[change.name]["AlertArn"])
            case "alert", _:
                self._put_alert(change, arn, actual, self.params.alert)

    def _create_detector(self) -> str:
        tags = detector_tags(self.params, self.history)
        answer = self.client.create_anomaly_detector(
            AnomalyDetectorName=self.params.detector_name, Tags=tags, **detector_fields(self.params)
        )
        return str(answer["AnomalyDetectorArn"])

    def _put_metric_set(self, change: Change, arn: str, actual: Actual) -> None:
        fields = metric_set_fields(self.params)
        if change.action is Action.UPDATE:
            self.client.update_metric_set(MetricSetArn=actual.metric_set["MetricSetArn"], **fields)
        else:
            self.client.create_metric_set(AnomalyDetectorArn=arn, MetricSetName=change.name, Timezone=self.params.timezone, **fields)

    def _put_alert(self, change: Change, arn: str, actual: Actual, alert: AlertParams | None) -> None:
        fields = alert_fields(self.params, alert) if alert else {}
        if change.action is Action.UPDATE:
            self.client.update_alert(AlertArn=actual.alerts[change.name]["AlertArn"], **fields)
        else:
            self.client.create_alert(AnomalyDetectorArn=arn, AlertName=change.name, Tags=MANAGED, **fields)


def observe(client: Any, params: Params) -> Actual:
    """Everything that the service holds of this detector."""
    summaries = _pages(client, "list_anomaly_detectors", "AnomalyDetectorSummaryList")
    arn = next((found["AnomalyDetectorArn"] for found in summaries if found["AnomalyDetectorName"] == params.detector_name), None)
    if arn is None:
        return Actual()
    sets = list(_pages(client, "list_metric_sets", "MetricSetSummaryList", AnomalyDetectorArn=arn))
    alerts = _pages(client, "list_alerts", "AlertSummaryList", AnomalyDetectorArn=arn)
    return Actual(
        arn=arn,
        detector=_detector(client, arn),
        metric_set=client.describe_metric_set(MetricSetArn=sets[0]["MetricSetArn"]) if sets else {},
        alerts={summary["AlertName"]: _alert(client, summary) for summary in alerts},
        tags=client.list_tags_for_resource(ResourceArn=arn).get("Tags", {}),
    )


def _detector(client: Any, arn: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.describe_anomaly_detector(AnomalyDetectorArn=arn)
    return answer


def _alert(client: Any, summary: Mapping[str, Any]) -> dict[str, Any]:
    alert: dict[str, Any] = client.describe_alert(AlertArn=summary["AlertArn"])["Alert"]
    return alert | {"Tags": client.list_tags_for_resource(ResourceArn=summary["AlertArn"]).get("Tags", {})}


def _pages(client: Any, operation: str, field: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    token: dict[str, str] = {}
    while True:
        answer = getattr(client, operation)(**arguments, **token)
        yield from answer.get(field, ())
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
