"""A learning or backtest that is called off at any call: it ends, nothing of it comes to life, and the detector takes new orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from l4m.model import DetectorStatus
from l4m.service.queries import anomalies

STATUS = {"learn": DetectorStatus.ACTIVATING, "backtest": DetectorStatus.BACK_TEST_ACTIVATING}


def deactivate(world: Any) -> None:
    """Call off what the detector does, as DeactivateAnomalyDetector and its task do."""
    if world.detector.status in {*STATUS.values(), DetectorStatus.BACK_TEST_ACTIVE, DetectorStatus.LEARNING, DetectorStatus.ACTIVE}:
        world.move(DetectorStatus.DEACTIVATING)
        world.do("deactivate", generation=1)


def delete(world: Any) -> None:
    """Delete the detector meanwhile."""
    world.move(DetectorStatus.DELETING)
    world.do("delete")


def call_off_anywhere(world: Any, task: str, other: Callable[[Any], None]) -> Any:
    """Let the task meet the other at every call that it makes; yields after each."""
    before = world.contents()
    at, calls = 0, 1
    while at < calls:
        world.restore(before)
        world.move(STATUS[task])
        world.context.clients.interrupt(at, lambda: other(world))
        world.do(task, generation=1)
        calls = len(world.context.clients.calls)
        world.context.clients.watch()
        if world.context.clients.meanwhile is None:
            yield f"called off before call {at}"
        at += 3


@pytest.mark.parametrize("task", ["learn", "backtest"])
def test_what_is_called_off_ends_and_the_detector_can_be_activated(world: Any, task: str) -> None:
    for place in call_off_anywhere(world, task, deactivate):
        assert world.detector.status in {DetectorStatus.INACTIVE, DetectorStatus.BACK_TEST_COMPLETE}, place
        found = anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1].total
        world.run(0)
        assert world.context.clients.client("scheduler").list_schedules()["Schedules"] == [], place
        assert anomalies.survey_groups(world.context, world.arn, 0, 1, None)[1].total == found
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=2)
    assert world.detector.status is DetectorStatus.ACTIVE
    assert [key for key in world.contents()["objects"] if key.startswith("sales/0000000001/")] == []


@pytest.mark.parametrize("task", ["learn", "backtest"])
def test_what_learns_while_its_detector_is_deleted_leaves_no_schedule_and_no_group(world: Any, task: str) -> None:
    for place in call_off_anywhere(world, task, delete):
        world.run(0)
        kept = world.contents()
        assert world.context.clients.client("scheduler").list_schedules()["Schedules"] == [], place
        assert not [key for key in kept["rows"] if "#group" in key or key.startswith("detector")], place
