"""States that are gone, damaged or of a later version: the run goes back to the one before, or the detector says what is the matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from l4m.model import DetectorStatus
from l4m.service.queries import executions
from l4m.store.runs import Pointer, Runs

from .test_disturbances import fates_of, groups_of

FALL = 4


def pointer_of(world: Any) -> Pointer:
    """Where the detector stands."""
    pointer = Runs(world.context.table, "sales", 1).pointer()
    assert pointer is not None
    return pointer


def land(world: Any, hours: int) -> None:
    """Files of some hours, one of which falls."""
    for hour in range(hours):
        world.put_live(hour, factor=0.05 if hour == FALL else 1.0)


def remove(world: Any, key: str) -> None:
    world.context.clients.client("s3").delete_object(Bucket="state", Key=key)


def damage(world: Any, key: str) -> None:
    s3 = world.context.clients.client("s3")
    body = s3.get_object(Bucket="state", Key=key)["Body"].read()
    s3.put_object(Bucket="state", Key=key, Body=body[:100] + b"?" + body[101:])


HARM = [remove, damage]


@pytest.fixture
def undisturbed(world: Any) -> tuple[Any, list[Any], list[str]]:
    """A world that has learned and run six hours in turn; what it found, and whom it told."""
    world.learn()
    land(world, 6)
    for hour in range(6):
        world.run(hour)
    return world, groups_of(world), sorted(mail["alertEventId"] for mail in world.mails())


@pytest.mark.parametrize("harm", HARM)
def test_the_newest_state_is_made_again_from_the_one_before(undisturbed: Any, harm: Callable[..., None]) -> None:
    world, found, told = undisturbed
    before = pointer_of(world)
    assert found and len(before.checkpoints) > 2
    for _, key in before.checkpoints[-2:]:
        harm(world, key)
    world.put_live(6)
    world.run(6)
    after = pointer_of(world)
    assert after.next == before.next + 3600
    assert groups_of(world) == found
    assert sorted(mail["alertEventId"] for mail in world.mails()) == told
    assert fates_of(world) == dict.fromkeys(range(7), "COMPLETED")
    assert world.detector.status is DetectorStatus.ACTIVE


def test_what_is_learned_again_is_what_was_learned(undisturbed: Any) -> None:
    world, _, _ = undisturbed
    before = world.contents()
    world.put_live(6)
    world.run(6)
    learned = world.last_state()
    world.restore(before)
    damage(world, pointer_of(world).state_key)
    world.run(6)
    assert world.last_state() == learned


def test_late_data_does_without_a_checkpoint_that_is_gone(undisturbed: Any) -> None:
    world, _, _ = undisturbed
    checkpoints = pointer_of(world).checkpoints
    moment, key = checkpoints[-3]
    remove(world, key)
    world.put_live(3, factor=1.01)
    world.put_live(6)
    world.run(6)
    assert fates_of(world) == dict.fromkeys(range(7), "COMPLETED")
    assert (moment, key) not in pointer_of(world).checkpoints


@pytest.mark.parametrize("harm", HARM)
def test_without_any_state_the_detector_says_so_and_can_be_activated_again(undisturbed: Any, harm: Callable[..., None]) -> None:
    world, _, _ = undisturbed
    for _, key in pointer_of(world).checkpoints:
        harm(world, key)
    world.put_live(6)
    world.run(6)
    assert world.detector.status is DetectorStatus.FAILED
    assert "activate the detector again" in world.detector.failure_reason
    newest = executions.list_executions(world.context, world.arn, None, 1, None).items[0]
    assert (newest.status, newest.timestamp) == ("FAILED", world.live(6))
    world.run(7)
    world.move(DetectorStatus.ACTIVATING, generation=2)
    world.do("learn", generation=2)
    assert world.detector.status is DetectorStatus.ACTIVE


def test_states_of_a_later_version_are_waited_for(undisturbed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world, _, _ = undisturbed
    before = pointer_of(world)
    world.put_live(6)
    with monkeypatch.context() as patch:
        patch.setattr("l4m.engine.serialization.FORMAT", 0)
        world.run(6)
    assert world.detector.status is DetectorStatus.ACTIVE
    assert "later version" in executions.list_executions(world.context, world.arn, None, 1, None).items[0].reason
    assert pointer_of(world).checkpoints == before.checkpoints
    world.run(6)
    assert fates_of(world) == dict.fromkeys(range(7), "COMPLETED")


def test_a_damaged_incident_stops_no_run(undisturbed: Any) -> None:
    world, found, _ = undisturbed
    s3 = world.context.clients.client("s3")
    for key in world.contents()["objects"]:
        if "/incident/" in key or key.endswith(".json"):
            s3.put_object(Bucket="state", Key=key, Body=b"{")
    world.put_live(6, factor=0.05)
    world.run(6)
    assert fates_of(world)[6] == "COMPLETED"
    assert len(groups_of(world)) > len(found)
