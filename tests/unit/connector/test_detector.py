"""Detector set-up as an apply, against the service itself: create, update, relearn only for what matters, leave the rest alone."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.api.conftest import Service, serve
from tests.unit.connector.fakes import Killed, Mortal
from tests.unit.memory_table import MemoryTable

from l4m.connector.detector import DetectorFailed, DetectorSetup, Progress, observe
from l4m.connector.params import Params
from l4m.connector.plan import plan
from l4m.model import DetectorStatus, FailureType

TOPIC = "arn:aws:sns:us-east-1:123456789012:anomalies"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:anomalies"


class Owner:
    """The one who uploads: keeps the params, and plays the part of the run function."""

    def __init__(self, service: Service, given: dict[str, Any]) -> None:
        self.service, self.client = service, service.client()
        self.given = given | {"alert_sns_topic_arn": TOPIC}

    @property
    def params(self) -> Params:
        return Params.from_dict(self.given)

    def settle(self, history: str = "h1") -> list[str]:
        """Apply until ready; return every change that was made."""
        activated, changes = False, []
        for _ in range(9):
            progress = self.advance(activated, history)
            activated, changes = progress.activated, changes + list(progress.changes)
            if progress.is_ready:
                return changes
            self.work()
        raise AssertionError(f"never ready: {changes}")

    def advance(self, activated: bool = False, history: str = "h1", client: Any = None) -> Progress:
        return DetectorSetup(client or self.client, self.params, history).advance(activated)

    def work(self, learned: DetectorStatus = DetectorStatus.ACTIVE) -> None:
        """What the run function does with the tasks that it was given."""
        ends = {"ACTIVATING": learned, "DEACTIVATING": DetectorStatus.INACTIVE}
        resources = self.service.context.resources
        for summary in self.client.list_anomaly_detectors()["AnomalyDetectorSummaryList"]:
            detector = resources.detector(summary["AnomalyDetectorArn"])
            if detector.status in ends:
                failure = {"failure_type": FailureType.ACTIVATION_FAILURE, "failure_reason": "no files"} if learned == "FAILED" else {}
                move = {"allowed": {detector.status}, "now": self.service.context.now, **failure}
                resources.move_detector(detector.arn, detector.generation, ends[detector.status], **move)
            if detector.status == "DELETING":
                resources.purge(detector.arn)

    def learnings(self) -> int:
        """How often the service was asked to learn."""
        return sum(payload["task"] == "learn" for payload in self.service.invocations.payloads)

    def actual(self) -> Any:
        return observe(self.client, self.params)


@pytest.fixture
def owner(given: dict[str, Any]) -> Owner:
    """An owner on an empty service."""
    return Owner(serve(MemoryTable()), given)


def test_everything_is_created_and_activated(owner: Owner) -> None:
    changes = owner.settle()
    assert [change.split(" ")[0] for change in changes] == ["create", "create", "create", "activate"]
    actual = owner.actual()
    assert actual.detector["AnomalyDetectorName"] == "l4m-custom-redshift-connector-detector-redshift"
    assert (actual.metric_set["MetricSetName"], actual.metric_set["Offset"], actual.metric_set["Timezone"]) == (
        "l4m-custom-redshift-connector-detector-redshift-metric-set-1",
        300,
        "UTC",
    )
    assert actual.alerts["alerter"]["Action"]["SNSConfiguration"]["SnsTopicArn"] == TOPIC
    assert plan(owner.params, "h1", actual) == ()


def test_second_upload_of_the_same_params_changes_nothing(owner: Owner) -> None:
    owner.settle()
    before = owner.service.items()
    assert owner.settle() == []
    assert (owner.service.items(), owner.learnings()) == (before, 1)


def test_the_detector_names_the_latest_upload_and_learns_nothing_from_it(owner: Owner) -> None:
    owner.settle()
    progress = DetectorSetup(owner.client, owner.params, "h1", upload="version-2").advance(activated=False)
    assert (progress.is_ready, progress.changes) == (True, ())
    assert owner.service.context.resources.detector(progress.arn).correlation_id == "version-2"


@pytest.mark.parametrize(
    ("key", "value", "resource"),
    [
        ("alert_threshold", 70, "alert"),
        ("alert_description", "Other words", "alert"),
        ("detector_description", "Other words", "detector"),
        ("offset", 900, "metric set"),
    ],
)
def test_what_was_learned_survives_a_change_that_does_not_touch_it(owner: Owner, key: str, value: Any, resource: str) -> None:
    owner.settle()
    owner.given[key] = value
    [change] = owner.settle()
    assert change.startswith(f"update {resource}")
    assert owner.learnings() == 1
    assert owner.settle() == []


def relearning() -> list[tuple[str, Callable[[dict[str, Any]], None]]]:
    def source(given: dict[str, Any]) -> None:
        given["metric_source"]["S3SourceConfig"]["HistoricalDataPathList"] = ["s3://shop-us-east-1-123456789012/other/backtest/"]

    return [
        ("measures", lambda given: given["metrics_set"].pop()),
        ("aggregation", lambda given: given["metrics_set"][0].update(AggregationFunction="AVG")),
        ("dimensions", lambda given: given.update(dimension_list=["platform"])),
        ("frequency", lambda given: given.update(detector_frequency="P1D")),
        ("timestamp", lambda given: given["timestamp_column"].update(ColumnFormat="yyyy-MM-dd'T'HH:mm:ss")),
        ("source", source),
        ("sensitivity", lambda given: given.update(sensitivity=80)),
    ]


@pytest.mark.parametrize(("name", "change"), relearning(), ids=[name for name, _ in relearning()])
def test_a_change_that_matters_is_learned_anew_once(owner: Owner, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    owner.settle()
    owner.given = copy.deepcopy(owner.given)
    change(owner.given)
    changes = owner.settle()
    assert changes[0].startswith("deactivate")
    assert changes[-1].startswith("activate")
    assert owner.learnings() == 2
    assert owner.settle() == []


def test_a_history_that_was_crawled_again_is_learned_anew(owner: Owner) -> None:
    owner.settle("h1")
    owner.settle("h2")
    assert owner.learnings() == 2
    assert owner.settle("h2") == []


def test_the_order_of_measures_and_dimensions_means_nothing(owner: Owner) -> None:
    owner.settle()
    owner.given = copy.deepcopy(owner.given)
    owner.given["metrics_set"].reverse()
    owner.given["dimension_list"].reverse()
    assert owner.settle() == []


def test_another_timezone_makes_the_detector_anew(owner: Owner) -> None:
    owner.settle()
    owner.given["timezone"] = "Europe/Berlin"
    assert owner.settle()[0].startswith("delete detector")
    assert owner.actual().metric_set["Timezone"] == "Europe/Berlin"


def test_a_renamed_alert_replaces_the_old_one_and_foreign_alerts_stay(owner: Owner) -> None:
    owner.settle()
    arn = owner.actual().arn
    action = {"SNSConfiguration": {"RoleArn": owner.params.role_arn, "SnsTopicArn": TOPIC}}
    owner.client.create_alert(AlertName="mine", AnomalyDetectorArn=arn, AlertSensitivityThreshold=5, Action=action)
    owner.given["alert_name"] = "other"
    owner.settle()
    assert set(owner.actual().alerts) == {"mine", "other"}
    owner.given["alert_sns_topic_arn"] = ""
    owner.settle()
    assert set(owner.actual().alerts) == {"mine"}


def test_an_alert_goes_to_a_function_when_params_name_one(owner: Owner) -> None:
    owner.settle()
    owner.given |= {"alert_sns_topic_arn": "", "alert_lambda_arn": FUNCTION}
    [change] = owner.settle()
    assert change.startswith("update alert alerter")
    assert owner.actual().alerts["alerter"]["Action"]["LambdaConfiguration"]["LambdaArn"] == FUNCTION


def test_a_failed_learning_is_reported_with_its_reason_and_tried_again_by_the_next_upload(owner: Owner) -> None:
    assert owner.advance().activated
    owner.work(DetectorStatus.FAILED)
    with pytest.raises(DetectorFailed, match="no files"):
        owner.advance(activated=True)
    assert any(change.startswith("activate") for change in owner.settle())


def test_a_detector_that_still_learns_counts_as_set_up(owner: Owner) -> None:
    owner.advance()
    owner.work(DetectorStatus.LEARNING)
    progress = owner.advance(activated=True)
    assert (progress.is_ready, progress.status) == (True, "LEARNING")


def test_while_the_detector_is_busy_nothing_is_touched(owner: Owner) -> None:
    owner.advance()
    owner.given["dimension_list"] = ["platform"]
    before = owner.service.items()
    assert not owner.advance().is_ready
    assert owner.service.items() == before


@pytest.mark.parametrize("at", range(1, 22))
def test_killed_at_any_call_the_detector_ends_up_as_described(owner: Owner, at: int) -> None:
    owner.settle()
    owner.given |= {"dimension_list": ["platform"], "alert_threshold": 60}
    mortal = Mortal(owner.client, [0], at)
    activated = False
    for _ in range(9):
        try:
            progress = owner.advance(activated, client=mortal)
        except Killed:
            continue
        activated = progress.activated
        if progress.is_ready:
            break
        owner.work()
    assert plan(owner.params, "h1", owner.actual()) == ()
    assert owner.actual().status == "ACTIVE"
    assert owner.learnings() == 2


def test_measures_and_dimensions_go_although_somebody_gave_the_alert_a_filter_on_them(owner: Owner) -> None:
    owner.settle()
    alert = owner.actual().alerts["alerter"]["AlertArn"]
    gone, dimension = owner.params.measures[0]["MetricName"], owner.params.dimensions[0]
    filters = {"MetricList": [gone], "DimensionFilterList": [{"DimensionName": dimension, "DimensionValueList": ["x"]}]}
    owner.client.update_alert(AlertArn=alert, AlertFilters=filters)
    assert owner.settle() == []
    owner.given |= {"metrics_set": owner.given["metrics_set"][1:], "dimension_list": owner.given["dimension_list"][1:]}
    changes = owner.settle()
    assert any(change.startswith("update alert filters alerter (") for change in changes)
    assert "AlertFilters" not in owner.actual().alerts["alerter"]
    assert gone not in str(owner.actual().metric_set["MetricList"])
    assert owner.actual().status == "ACTIVE"
