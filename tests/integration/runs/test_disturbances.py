"""Duplicated and disordered events, late, missing, empty and broken files, and outages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from l4m.service.queries import anomalies, executions
from l4m.service.runs.live import BATCH_INTERVALS, MOST_BATCHES


def groups_of(world: Any) -> list[tuple[Any, str, float]]:
    """Groups as start, measure and score."""
    return [(group.start, group.measure, group.score) for group in anomalies.survey_groups(world.context, world.arn, 0, 100, None)[0].items]


def fates_of(world: Any) -> dict[int, str]:
    """Status by hour after the history."""
    page = executions.list_executions(world.context, world.arn, None, 100, None)
    return {round((one.timestamp - world.live(0)).total_seconds() / 3600): one.status for one in page.items}


def test_duplicated_and_disordered_events_change_nothing(world: Any) -> None:
    world.learn()
    before = world.contents()
    for hour in range(4):
        world.put_live(hour, factor=0.05 if hour == 2 else 1.0)
    for hour in range(4):
        world.run(hour)
    found, told = groups_of(world), sorted(mail["alertEventId"] for mail in world.mails())
    world.restore(before)
    for hour in (2, 0, 2, 3, 1, 3):
        world.run(hour)
    assert groups_of(world) == found
    assert sorted(mail["alertEventId"] for mail in world.mails()) == told
    assert fates_of(world) == dict.fromkeys(range(4), "COMPLETED")


def test_after_an_outage_every_interval_is_caught_up_with(world: Any) -> None:
    world.learn()
    before = world.contents()
    for hour in range(30):
        world.put_live(hour, factor=0.05 if hour == 20 else 1.0)
    for hour in range(30):
        world.run(hour)
    found = groups_of(world)
    world.restore(before)
    world.run(29)
    assert groups_of(world) == found
    assert fates_of(world) == dict.fromkeys(range(30), "COMPLETED")


def test_more_than_one_invocation_may_take_goes_on_in_the_next(world: Any) -> None:
    world.learn()
    last = BATCH_INTERVALS * MOST_BATCHES + 3
    world.put_live(last)
    started = world.catch_invocations()
    world.run(last)
    assert started == [{"detector": world.arn, "task": "run", "time": (world.live(last) + timedelta(hours=1, seconds=300)).isoformat()}]
    world.do(**started[0])
    assert len(started) == 1
    assert fates_of(world)[last] == "COMPLETED"


def test_a_file_that_is_not_there_yet_is_waited_for_one_interval(world: Any) -> None:
    world.learn()
    world.run(0)
    assert fates_of(world) == {}
    world.put_live(0)
    world.put_live(1)
    world.run(1)
    assert fates_of(world) == {0: "COMPLETED", 1: "COMPLETED"}


def test_a_missing_file_is_reported_and_an_empty_one_is_not(world: Any) -> None:
    world.learn()
    world.put_live(0, rows="timestamp,country,device,sales,visits\n")
    world.put_live(2)
    for hour in range(3):
        world.run(hour)
    assert fates_of(world) == {0: "COMPLETED", 1: "FAILED", 2: "COMPLETED"}
    (missing,) = executions.list_executions(world.context, world.arn, world.live(1), 1, None).items
    assert "no file arrived" in missing.reason


def test_late_data_corrects_groups_and_takes_the_alert_back(world: Any) -> None:
    world.learn()
    for hour in range(2):
        world.put_live(hour)
        world.run(hour)
    world.put_live(2, factor=0.05)
    world.run(2)
    assert [start for start, _, _ in groups_of(world)] == [world.live(2)]
    (first,) = world.mails()
    world.put_live(2)  # the rest of the rows arrives
    world.put_live(3)
    world.run(3)
    assert groups_of(world) == []
    told = world.mails()
    assert len(told) == 2
    assert told[1]["anomalyGroupId"] == first["anomalyGroupId"]
    assert told[1]["anomalyScore"] == 0
    assert told[1]["correction"]["previousEventId"] == first["alertEventId"]


def test_late_data_ends_in_the_state_that_timely_data_would_have(world: Any) -> None:
    world.learn()
    before = world.contents()
    for hour in range(5):
        world.put_live(hour, factor=0.05 if hour == 3 else 1.0)
        world.run(hour)
    found, state = groups_of(world), world.last_state()
    world.restore(before)
    for hour in range(5):
        world.put_live(hour, rows="timestamp,country,device,sales,visits\n" if hour == 1 else None, factor=0.05 if hour == 3 else 1.0)
        world.run(hour)
    assert world.last_state() != state
    world.put_live(1)
    world.run(4)
    assert groups_of(world) == found
    assert world.last_state() == state


def test_a_missing_file_that_arrives_late_completes_its_interval(world: Any) -> None:
    world.learn()
    for hour in (1, 2):
        world.put_live(hour)
        world.run(hour)
    assert fates_of(world) == {0: "FAILED", 1: "COMPLETED", 2: "COMPLETED"}
    world.put_live(0)
    world.run(2)
    assert set(fates_of(world).values()) == {"COMPLETED"}


def test_a_broken_file_is_retried_reported_and_does_not_stop_the_feed(world: Any) -> None:
    world.learn()
    world.put_live(0, rows="not,the,columns\n1,2,3\n")
    for hour in range(1, 4):
        world.put_live(hour)
    world.run(0)
    (first,) = executions.list_executions(world.context, world.arn, world.live(0), 1, None).items
    assert first.status == "FAILED"
    assert "timestamp" in first.reason
    for hour in (1, 2, 3):
        world.run(hour)
    assert fates_of(world) == {0: "FAILED", 1: "COMPLETED", 2: "COMPLETED", 3: "COMPLETED"}
    world.put_live(0)
    world.run(3)
    assert fates_of(world)[0] == "COMPLETED"


def test_a_source_that_cannot_be_reached_is_waited_for_without_losing_an_interval(world: Any) -> None:
    world.learn()
    for hour in range(3):
        world.put_live(hour)
    s3 = world.context.clients.client("s3")
    bodies = {
        entry["Key"]: s3.get_object(Bucket="data", Key=entry["Key"])["Body"].read()
        for entry in s3.list_objects_v2(Bucket="data")["Contents"]
    }
    for key in bodies:
        s3.delete_object(Bucket="data", Key=key)
    s3.delete_bucket(Bucket="data")
    for hour in range(2):
        world.run(hour)
    assert fates_of(world) == {0: "FAILED"}
    s3.create_bucket(Bucket="data")
    for key, body in bodies.items():
        s3.put_object(Bucket="data", Key=key, Body=body)
    world.run(2)
    assert fates_of(world) == dict.fromkeys(range(3), "COMPLETED")
