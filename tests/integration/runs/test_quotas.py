"""More series than the quota allows, or more values than the memory holds: told by name and number, never died of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from l4m.model import DetectorStatus
from l4m.service.queries import executions


def limit(world: Any, **limits: int) -> None:
    """Give the run function other limits."""
    world.context = replace(world.context, environment=replace(world.context.environment, **limits))


@pytest.mark.parametrize("task", ["learn", "backtest"])
def test_more_series_than_the_quota_fail_with_their_number(world: Any, task: str) -> None:
    limit(world, most_series=11)
    world.move(DetectorStatus.ACTIVATING if task == "learn" else DetectorStatus.BACK_TEST_ACTIVATING)
    world.do(task, generation=1)
    assert world.detector.status is DetectorStatus.FAILED
    assert "12 series (2 measures of 6 combinations" in world.detector.failure_reason
    assert "quota MaxSeries of 11" in world.detector.failure_reason
    limit(world, most_series=12)
    world.move(DetectorStatus.ACTIVATING, 2)
    world.do("learn", generation=2)
    assert world.detector.status is DetectorStatus.ACTIVE


def test_more_values_than_the_memory_holds_fail_with_their_number(world: Any) -> None:
    limit(world, memory_mb=0)
    world.learn()
    assert world.detector.status is DetectorStatus.FAILED
    assert "312 intervals x 12 series are more than 0 values" in world.detector.failure_reason


def test_new_series_beyond_the_quota_are_left_out_and_the_others_watched_on(world: Any) -> None:
    world.learn()
    limit(world, most_series=13)
    stamp = world.live(0).strftime("%Y-%m-%d %H:%M:%S")
    world.put_live(0, rows=world.csv([world.live(0)]) + f"{stamp},es,app,5,5\n{stamp},es,web,5,5\n")
    world.run(0)
    world.put_live(1)
    world.run(1)
    found = executions.list_executions(world.context, world.arn, None, 9, None).items
    assert [(one.status, one.reason) for one in found] == [
        ("COMPLETED", None),
        ("COMPLETED", "4 new series were left out: the quota MaxSeries is reached"),
    ]
