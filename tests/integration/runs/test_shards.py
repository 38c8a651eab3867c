"""A detector with more series than one function learns at once: learned in shards, it is the same detector."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from l4m.engine.monitor import Monitor
from l4m.model import DetectorStatus
from l4m.service.dispatch import perform
from l4m.store.arrays import unpack
from l4m.store.history import History

from .clients import REGION

ACCOUNT = "123456789012"
CAUGHT_UP = 200  # hours of live data before the activation: enough for shards to learn the whole history
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:learn"


def limit(world: Any, **limits: int) -> None:
    """Give the run function other limits, and a machine to turn to."""
    world.context = replace(world.context, facilities=replace(world.context.facilities, learn_machine_arn=MACHINE, **limits))


@pytest.fixture
def machine(world: Any) -> Callable[[], dict[str, Any] | None]:
    """A machine that notes the order to it; called, it returns what it was ordered last."""
    client = world.context.clients.client("stepfunctions")
    client.create_state_machine(name="learn", definition="{}", roleArn=f"arn:aws:iam::{ACCOUNT}:role/machine")

    def ordered() -> dict[str, Any] | None:
        found = client.list_executions(stateMachineArn=MACHINE)["executions"]
        return json.loads(client.describe_execution(executionArn=found[0]["executionArn"])["input"]) if found else None

    return ordered


def carry_out(world: Any, order: dict[str, Any]) -> list[dict[str, Any]]:
    """Do what the machine does; returns what the steps after the shards said."""
    common = {"detector": order["order"]["detector"], "order": order["order"], "parts": order["parts"]}
    for shard in order["shards"]:
        perform(world.context, {**common, "task": "shard", "shard": shard})
    said = [perform(world.context, {**common, "task": "join"})]
    while said[-1]["status"] == "MORE":
        said.append(perform(world.context, {**common, "task": "advance", "progress": said[-1]}))
    perform(world.context, {**common, "task": "clear"})
    return said


def work_left(world: Any) -> list[str]:
    """Objects that steps handed to each other and nobody removed."""
    return [key for key in world.contents()["objects"] if key.startswith("_shards/")]


def come_later(world: Any, hours: int) -> None:
    """Live files of some hours that are there when the detector is activated."""
    for hour in range(hours):
        world.put_live(hour)
    world.context = replace(world.context, now=world.live(hours) + timedelta(minutes=10))


@pytest.mark.parametrize(("at_once", "hours"), [(5, 0), (2, CAUGHT_UP), (11, CAUGHT_UP)])
def test_a_detector_learned_in_shards_goes_on_like_one_learned_at_once(world: Any, machine: Any, at_once: int, hours: int) -> None:
    come_later(world, hours)
    before, outcomes = world.contents(), []
    for most in (50_000, at_once):
        world.restore(before)
        limit(world, series_at_once=most)
        world.learn()
        if most == at_once:
            assert world.detector.status is DetectorStatus.ACTIVATING
            order = machine()
            assert len(order["shards"]) == -(-12 // at_once)
            assert carry_out(world, order)[-1]["status"] == "DONE"
        assert world.detector.status is DetectorStatus.ACTIVE
        for hour in range(hours, hours + 3):
            world.put_live(hour, factor=0.05 if hour > hours else 1)
            world.run(hour)
        outcomes.append((world.last_state(), [mail["anomalyScore"] for mail in world.mails()], pages(world)))
    (one, theirs, kept), (other, mine, also_kept) = outcomes
    assert mine == pytest.approx(theirs, abs=0.01)
    assert mine
    assert_alike(Monitor.load(other[0]), Monitor.load(one[0]))
    assert kept.keys() == also_kept.keys()
    for key, page in kept.items():
        np.testing.assert_allclose(also_kept[key].series(0, page.nodes), page.series(0, page.nodes), rtol=1e-5)
    assert work_left(world) == []


@pytest.mark.parametrize("at_once", [5, 1])
def test_a_backtest_in_shards_finds_what_one_at_once_finds(world: Any, machine: Any, at_once: int) -> None:
    world.put("history/all.csv", world.csv([world.history_hour(hour) for hour in range(world.history_hours)], dict.fromkeys(world.us, 1.0)))
    starts = [world.history_hour(hour) for hour in range(world.history_hours)]
    quiet, drop = world.csv(starts[:-8]), world.csv(starts[-8:], dict.fromkeys(world.us, 0.1))
    world.put("history/all.csv", quiet + drop.split("\n", 1)[1])
    before, outcomes = world.contents(), []
    for most in (50_000, at_once):
        world.restore(before)
        limit(world, series_at_once=most)
        world.move(DetectorStatus.BACK_TEST_ACTIVATING)
        world.do("backtest", generation=1)
        if most == at_once:
            carry_out(world, machine())
        assert world.detector.status is DetectorStatus.BACK_TEST_COMPLETE
        rows = world.contents()["rows"]
        outcomes.append({key: text for key, text in rows.items() if "#group" in key or "#learning" in key or "#run" in key})
    assert outcomes[0] == outcomes[1]
    assert any("#group" in key for key in outcomes[0])
    assert work_left(world) == []


def pages(world: Any) -> dict[str, History]:
    """The pages of history that are kept."""
    return {key: History.from_arrays(unpack(body)) for key, body in world.contents()["objects"].items() if "/history/" in key}


def assert_alike(mine: Monitor, theirs: Monitor) -> None:
    """Two monitors know the same, but for the rounding of sums."""
    assert (mine.nodes, mine.leaves, mine.cold_start_left) == (theirs.nodes, theirs.leaves, theirs.cold_start_left)
    for name, array in theirs._detector.to_arrays().items():
        np.testing.assert_allclose(mine._detector.to_arrays()[name], array, rtol=1e-3, atol=1e-3, err_msg=name)
