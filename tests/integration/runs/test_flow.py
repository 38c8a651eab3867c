"""Activate, learn, run, find, tell: the way of a detector through its life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from l4m.errors import NotFound
from l4m.model import DetectorStatus, FailureType, OtherSource
from l4m.service.queries import anomalies, executions, quality


def test_learning_ends_active_with_a_schedule_and_a_baseline(world: Any) -> None:
    world.learn()
    assert world.detector.status is DetectorStatus.ACTIVE
    schedule = world.context.clients.client("scheduler").get_schedule(Name="sales", GroupName="detectors")
    assert schedule["ScheduleExpression"] == "cron(5 * * * ? *)"
    assert "<aws.scheduler.scheduled-time>" in schedule["Target"]["Input"]


def test_a_short_history_leaves_the_detector_learning_until_enough_was_seen(world: Any) -> None:
    world.put("history/all.csv", world.csv([world.history_hour(hour) for hour in range(world.history_hours - 298, world.history_hours)]))
    world.learn()
    assert world.detector.status is DetectorStatus.LEARNING
    for hour in range(2):
        world.put_live(hour)
        world.run(hour)
    assert world.detector.status is DetectorStatus.ACTIVE


def test_an_outage_of_one_country_becomes_groups_an_incident_and_one_alert_per_group(world: Any) -> None:
    world.learn()
    for hour in range(14):
        world.put_live(hour, factor=0.1 if 10 <= hour < 12 else 1.0, shops=world.us)
        world.run(hour)
    groups = anomalies.survey_groups(world.context, world.arn, 60, 100, None)[0].items
    assert [group.start for group in groups if group.score >= 80][-2:] == [world.live(11), world.live(10)]
    first = groups[-1]
    detail = anomalies.get_group(world.context, world.arn, first.id)
    assert max(detail.impacts[0].contributions["country"].items(), key=lambda pair: pair[1])[0] == "us"
    mails = world.mails()
    assert len({mail["alertEventId"] for mail in mails}) == len(mails)
    assert {mail["anomalyGroupId"] for mail in mails} == {
        group.id for group in anomalies.survey_groups(world.context, world.arn, 40, 100, None)[0].items
    }
    told = next(mail for mail in mails if mail["anomalyGroupId"] == first.id)
    assert told["explanation"]["causes"][0]["dimensions"] == {"country": "us"}
    assert told["explanation"]["direction"] == "down"
    assert told["explanation"]["actual"] < 0.5 * told["explanation"]["expected"]
    assert told["timestamp"] == world.live(10).strftime("%Y-%m-%dT%H:%MZ[UTC]")


def test_series_of_a_group_end_with_the_anomaly_and_hold_what_was_delivered(world: Any) -> None:
    world.learn()
    for hour in range(3):
        world.put_live(hour, factor=0.05 if hour == 2 else 1.0)
        world.run(hour)
    group = anomalies.survey_groups(world.context, world.arn, 0, 1, None)[0].items[0]
    page = anomalies.list_series(world.context, world.arn, group.id, group.measure, limit=100, after=None)
    assert page.timestamps[-1] == world.live(2)
    assert page.timestamps[0] == world.history_hour(0)
    assert len(page.timestamps) == world.history_hours + 3
    rows = [line.split(",") for line in world.csv([world.live(1)]).splitlines()[1:]]
    delivered = {(country, platform): float(value) for _, country, platform, value, *_ in rows}
    assert all(len(series.dimensions) == 2 for series in page.series), "every series has every dimension"
    for series in page.series:
        assert series.values[-2] == pytest.approx(delivered[tuple(series.dimensions.values())], rel=1e-4)
    assert all(len(series.id) == 128 and set(series.id) <= set("0123456789abcdef") for series in page.series)


def test_pages_of_groups_and_series_follow_each_other_without_gap_or_repetition(world: Any) -> None:
    world.learn()
    for hour in range(6):
        world.put_live(hour, factor=(0.05, 4.0)[hour % 2])
        world.run(hour)
    whole = anomalies.survey_groups(world.context, world.arn, 0, 100, None)[0].items
    assert len(whole) >= 3
    pages, after = [], None
    while True:
        page = anomalies.survey_groups(world.context, world.arn, 0, 2, after)[0]
        pages.append(page.items)
        after = page.next
        if after is None:
            break
    assert tuple(group for page in pages for group in page) == whole
    assert anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1].total == len(whole)


def test_executions_and_quality_tell_what_was_read(world: Any) -> None:
    world.learn()
    world.put_live(0)
    world.run(0)
    page = executions.list_executions(world.context, world.arn, None, 10, None)
    assert [(one.timestamp, one.status) for one in page.items] == [(world.live(0), "COMPLETED")]
    history, run = quality.quality_reports(world.context, world.arn, None)
    assert history.start == world.history_hour(0)
    assert run.start == world.live(0)
    figures = {metric.kind: metric.value for metric in run.metric_sets[world.metric_set.arn]}
    assert figures["ROWS_PROCESSED"] == len(world.shops)
    assert figures["TIME_SERIES_COUNT"] == 2 * len(world.shops)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda one: replace(one, source=OtherSource("AthenaSourceConfig", {})), "AthenaSourceConfig"),
        (lambda one: replace(one, source=replace(one.source, historical_path="s3://data/nothing/")), "s3://data/nothing/"),
        (lambda one: replace(one, source=replace(one.source, historical_path="s3://absent/history/")), "absent"),
        (lambda one: replace(one, dimensions=("planet",)), "planet"),
    ],
)
def test_activation_that_cannot_succeed_fails_with_its_reason(world: Any, edit: Any, reason: str) -> None:
    world.context.resources.change(world.metric_set, edit)
    world.learn()
    assert world.detector.status is DetectorStatus.FAILED
    assert world.detector.failure_type is FailureType.ACTIVATION_FAILURE
    assert reason in world.detector.failure_reason


def test_live_files_that_came_before_activation_are_learned_too(world: Any) -> None:
    for hour in range(3):
        world.put_live(hour)
    world.context = replace(world.context, now=world.live(3) + timedelta(minutes=10))
    world.learn()
    world.put_live(3)
    world.run(3)
    page = executions.list_executions(world.context, world.arn, None, 10, None)
    assert [one.timestamp for one in page.items] == [world.live(3)]


def test_a_detector_without_history_starts_cold(world: Any) -> None:
    world.context.resources.change(world.metric_set, lambda one: replace(one, source=replace(one.source, historical_path=None)))
    world.learn()
    assert world.detector.status is DetectorStatus.LEARNING
    world.put_live(0)
    world.run(0)
    assert [one.status for one in executions.list_executions(world.context, world.arn, None, 9, None).items] == ["COMPLETED"]


def test_a_backtest_can_be_repeated_and_the_detector_go_live_afterwards(world: Any) -> None:
    bad = world.history_hours - 40
    rows = [
        world.csv([world.history_hour(hour)], dict.fromkeys(world.us, 0.1 if bad <= hour < bad + 3 else 1.0))
        for hour in range(world.history_hours)
    ]
    header = rows[0].splitlines()[0]
    world.put("history/all.csv", "\n".join([header, *(line for text in rows for line in text.splitlines()[1:])]) + "\n")
    found = []
    for generation in (1, 2):
        world.move(DetectorStatus.BACK_TEST_ACTIVATING, generation)
        world.do("backtest", generation=generation)
        assert world.detector.status is DetectorStatus.BACK_TEST_COMPLETE
        groups = anomalies.survey_groups(world.context, world.arn, 70, 100, None)[0].items
        found.append([(group.start, group.measure, group.score) for group in groups])
    assert found[0] == found[1]
    assert world.history_hour(bad) in {start for start, _, _ in found[0]}
    assert world.mails() == []
    times = {
        metric.kind: metric.value for metric in quality.quality_reports(world.context, world.arn, None)[0].metric_sets[world.metric_set.arn]
    }
    split = int(0.7 * world.history_hours)
    assert times["BACKTEST_INFERENCE_DATA_START_TIME_STAMP"] == world.history_hour(split).timestamp()
    world.move(DetectorStatus.ACTIVATING, 3)
    world.do("learn", generation=3)
    assert world.detector.status is DetectorStatus.ACTIVE


def test_a_backtest_on_too_short_a_history_fails(world: Any) -> None:
    world.put("history/all.csv", world.csv([world.history_hour(hour) for hour in range(100)]))
    world.move(DetectorStatus.BACK_TEST_ACTIVATING)
    world.do("backtest", generation=1)
    assert world.detector.failure_type is FailureType.BACK_TEST_ACTIVATION_FAILURE
    assert "285" in world.detector.failure_reason


def test_a_task_of_an_older_generation_does_nothing(world: Any) -> None:
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=1)
    assert world.detector.status is DetectorStatus.ACTIVATING


def test_deactivation_stops_the_schedule_and_the_runs(world: Any) -> None:
    world.learn()
    world.move(DetectorStatus.DEACTIVATING)
    world.do("deactivate", generation=1)
    assert world.detector.status is DetectorStatus.INACTIVE
    assert world.context.clients.client("scheduler").list_schedules()["Schedules"] == []
    world.put_live(0)
    world.run(0)
    assert executions.list_executions(world.context, world.arn, None, 9, None).items == ()


def test_deletion_leaves_nothing_behind(world: Any) -> None:
    world.learn()
    for hour in range(3):
        world.put_live(hour, factor=0.05 if hour == 2 else 1.0)
        world.run(hour)
    world.move(DetectorStatus.DELETING)
    world.do("delete", generation=1)
    kept = world.contents()
    assert kept["objects"] == {}
    assert [key for key in kept["rows"] if not key.startswith("setting")] == []
    with pytest.raises(NotFound):
        world.detector  # noqa: B018 - reading it is the test
    world.do("run", time=datetime.now(UTC).isoformat())


def test_a_changed_offset_moves_the_schedule(world: Any) -> None:
    world.learn()
    world.context.resources.change(world.metric_set, lambda one: replace(one, offset_seconds=1830))
    world.do("schedule", generation=1)
    schedule = world.context.clients.client("scheduler").get_schedule(Name="sales", GroupName="detectors")
    assert schedule["ScheduleExpression"] == "cron(31 * * * ? *)"
