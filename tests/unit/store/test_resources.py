"""Resources in the table: what was put comes back, states move only as allowed, a purge can be repeated."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from l4m.answers import FeedbackRecord, GroupSeries
from l4m.arns import Scope
from l4m.errors import Conflict, NotFound
from l4m.model import (
    Aggregation,
    Alert,
    CsvFormat,
    Detector,
    DetectorStatus,
    FailureType,
    Frequency,
    JsonFormat,
    LambdaTarget,
    Measure,
    MetricSet,
    OtherSource,
    S3Source,
    SnsTarget,
    TimestampColumn,
)
from l4m.store.resources import Resources

SCOPE = Scope("aws", "us-east-1", "123456789012")
NOW = datetime(2026, 3, 1, 4, 25, 30, 123456, tzinfo=UTC)
ARN = SCOPE.detector("sales")
CSV = CsvFormat("GZIP", "latin-1", False, "|", ("a", "b"), "'")
DETECTOR = Detector(ARN, "sales", Frequency.PT1H, NOW, NOW, "Köln 🛒", "arn:aws:kms:x", tags={"a": ""})
METRIC_SET = MetricSet(
    SCOPE.metric_set("sales", "orders"),
    ARN,
    "orders",
    (Measure("views"), Measure("price", Aggregation.AVG, "AWS/EC2")),
    S3Source("arn:role", "s3://a/{{yyyy}}", None, CSV),
    Frequency.PT1H,
    NOW,
    NOW,
    dimensions=("platform",),
    timestamp=TimestampColumn("ts", "UNIX"),
    timezone="Europe/Berlin",
    offset_seconds=300,
    filters={"platform": ("pc", "app")},
)
ALERT = Alert(
    SCOPE.alert("page"), ARN, "page", SnsTarget("arn:role", "arn:topic", "SHORT_TEXT"), NOW, NOW, 70,
    measures=("views",), dimension_filters={"platform": ("pc",)},
)  # fmt: skip


@pytest.fixture
def resources(table):
    kept = Resources(table)
    kept.add_detector(DETECTOR)
    return kept


def said(group, series, is_anomaly, minutes):
    about = GroupSeries(series, "views", {"platform": "pc"}, 81.5, "down")
    return FeedbackRecord(group, about, is_anomaly, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    "source",
    [METRIC_SET.source, S3Source("arn:role", None, "s3://b/", JsonFormat("GZIP")), OtherSource("AppFlowConfig", {"a": {"b": ["s"]}})],
)  # fmt: skip
def test_what_was_put_comes_back(resources, source):
    metric_set = replace(METRIC_SET, source=source)
    resources.add_metric_set(metric_set)
    resources.add_alert(ALERT)
    assert resources.detector(ARN) == DETECTOR
    assert resources.metric_sets(ARN) == (metric_set,) == (resources.metric_set(metric_set.arn),)
    assert resources.alerts(ARN) == (ALERT,)
    changed = resources.change(ALERT, lambda alert: replace(alert, target=LambdaTarget("arn:role", "arn:function")))
    assert resources.alert(ALERT.arn) == changed


def test_state_moves_only_in_its_generation_and_from_allowed_states(resources):
    move = resources.move_detector
    with pytest.raises(Conflict):
        move(ARN, 1, DetectorStatus.ACTIVE, allowed=set(DetectorStatus), now=NOW)
    with pytest.raises(Conflict):
        move(ARN, 0, DetectorStatus.ACTIVE, allowed={DetectorStatus.LEARNING}, now=NOW)
    failed = move(
        ARN, 0, DetectorStatus.FAILED, allowed={DetectorStatus.INACTIVE}, now=NOW,
        failure_type=FailureType.ACTIVATION_FAILURE, failure_reason="x" * 300,
    )  # fmt: skip
    assert (failed.failure_type, failed.failure_reason) == (FailureType.ACTIVATION_FAILURE, "x" * 255 + "…")
    healed = move(ARN, 0, DetectorStatus.ACTIVE, allowed={DetectorStatus.FAILED}, now=NOW + timedelta(1))
    assert (healed.failure_type, healed.failure_reason, healed.modified) == (None, None, NOW + timedelta(1))
    assert resources.detector(ARN) == healed


def test_state_and_description_changed_at_once_are_both_kept(resources):
    def edit(current):
        if current.status is DetectorStatus.INACTIVE:
            resources.move_detector(ARN, 0, DetectorStatus.ACTIVE, allowed={DetectorStatus.INACTIVE}, now=NOW)
        return replace(current, description="new")

    resources.change(DETECTOR, edit)
    found = resources.detector(ARN)
    assert (found.status, found.description) == (DetectorStatus.ACTIVE, "new")


def test_newest_word_on_a_series_counts(resources):
    resources.put_feedback(ARN, said("g2", "s1", True, 5))
    resources.put_feedback(ARN, said("g1", "s1", False, 0))
    resources.put_feedback(ARN, said("g1", "s2", False, 1))
    assert {one.series.id: one.is_anomaly for one in resources.feedback(ARN)} == {"s1": True, "s2": False}
    resources.put_feedback(ARN, said("g1", "s1", False, 9))
    assert {one.series.id: one.is_anomaly for one in resources.feedback(ARN)} == {"s1": False, "s2": False}


def test_feedback_of_a_group_comes_in_pages(resources):
    for number in range(5):
        resources.put_feedback(ARN, said("g1", f"s{number}", True, number))
    resources.put_feedback(ARN, said("g10", "s0", True, 0))
    first = resources.group_feedback(ARN, "g1", 3, None)
    second = resources.group_feedback(ARN, "g1", 3, first.next)
    assert [one.series.id for one in first.items + second.items] == ["s0", "s1", "s2", "s3", "s4"]
    assert (first.next, second.next) == ("s2", None)


def test_purge_leaves_only_what_belongs_to_others_and_can_be_repeated(resources, table):
    other = replace(DETECTOR, arn=SCOPE.detector("sales-2"), name="sales-2")
    resources.add_detector(other)
    resources.add_alert(replace(ALERT, arn=SCOPE.alert("other"), detector_arn=other.arn, name="other"))
    resources.add_metric_set(METRIC_SET)
    resources.add_alert(ALERT)
    resources.put_feedback(ARN, said("g1", "s1", True, 0))
    for _ in range(2):
        resources.purge(ARN)
    left = {(item["pk"]["S"], item["sk"]["S"]) for item in table.client.scan(TableName="l4m")["Items"]}
    assert left == {("detector", "sales-2"), ("alert", "other")}
    with pytest.raises(NotFound):
        resources.detector(ARN)


def test_secret_of_tokens_is_made_once(table):
    assert Resources(table).paging_secret() == Resources(table).paging_secret()
    assert len(Resources(table).paging_secret()) == 32
