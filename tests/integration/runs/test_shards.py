"""A detector with more series than one function learns at once: learned in shards, it is the same detector."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from l4m.engine.monitor import Monitor
from l4m.engine.serialization import unpack
from l4m.model import DetectorStatus, Frequency
from l4m.service.resources.detectors import activate_detector, backtest_detector, create_detector, deactivate_detector, delete_detector
from l4m.service.runs.dispatch import perform
from l4m.service.runs.sharded_learning import OVER
from l4m.store.history import History

CAUGHT_UP = 200  # hours of live data before the activation: enough for shards to learn the whole history


def limit(world: Any, **limits: int) -> None:
    """Give the run function other limits."""
    world.context = replace(world.context, environment=replace(world.context.environment, **limits))


@pytest.fixture
def machine(world: Any) -> Callable[[], dict[str, Any] | None]:
    """What the machine, which only notes it, was ordered last."""
    client = world.context.clients.client("stepfunctions")

    def ordered() -> dict[str, Any] | None:
        found = client.list_executions(stateMachineArn=world.context.environment.learn_machine_arn)["executions"]
        newest = max(found, key=lambda one: one["startDate"])["executionArn"] if found else None
        return json.loads(client.describe_execution(executionArn=newest)["input"]) if newest else None

    return ordered


def do(world: Any, order: dict[str, Any], task: str, **more: Any) -> dict[str, Any]:
    """Do one step."""
    common = {"detector": order["order"]["detector"], "order": order["order"], "parts": order["parts"]}
    return perform(world.context, {**common, "task": task, **more})


def carry_out(world: Any, order: dict[str, Any], times: int = 1) -> dict[str, Any]:
    """Do what the machine does, every step so many times; returns what the last one before the clearing said."""
    for shard in order["shards"] * times:
        do(world, order, "shard", shard=shard)
    said = [do(world, order, "join") for _ in range(times)][-1]
    while said["status"] == "MORE":
        said, *_ = [do(world, order, "advance", progress=said) for _ in range(times)]
    do(world, order, "clear")
    return said


def work_left(world: Any) -> list[str]:
    """Objects that steps handed to each other and nobody removed."""
    return [key for key in world.contents()["objects"] if key.startswith("_shards/")]


def come_later(world: Any, hours: int) -> None:
    """Live files of some hours that are there when the detector is activated."""
    for hour in range(hours):
        world.put_live(hour)
    world.context = replace(world.context, now=world.live(hours) + timedelta(minutes=10))


@pytest.mark.parametrize(("at_once", "hours"), [(11, 0), (5, CAUGHT_UP)])
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
            assert carry_out(world, order)["status"] == "DONE"
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


@pytest.mark.parametrize(("at_once", "times"), [(5, 2), (1, 1)])
def test_a_backtest_in_shards_finds_what_one_at_once_finds(world: Any, machine: Any, at_once: int, times: int) -> None:
    starts = [world.history_hour(hour) for hour in range(world.history_hours + CAUGHT_UP)]
    first = int(0.7 * len(starts))  # that is scored
    edges = [0, first - 4, first + 4, len(starts) - 8, len(starts)]
    parts = [
        world.csv(starts[begin:end], dict.fromkeys(world.us, 0.1) if at % 2 else {}) for at, (begin, end) in enumerate(pairwise(edges))
    ]
    world.put("history/all.csv", "".join([parts[0], *(part.split("\n", 1)[1] for part in parts[1:])]))
    before, outcomes = world.contents(), []
    for most in (50_000, at_once):
        world.restore(before)
        limit(world, series_at_once=most)
        world.move(DetectorStatus.BACK_TEST_ACTIVATING)
        world.do("backtest", generation=1)
        if most == at_once:
            carry_out(world, machine(), times)
        assert world.detector.status is DetectorStatus.BACK_TEST_COMPLETE
        rows, objects = world.contents()["rows"], world.contents()["objects"]
        told = {key: text for key, text in rows.items() if "#group" in key or "#learning" in key or "#run" in key}
        outcomes.append((told, {key for key in objects if "/incident/" in key}))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0][1]) == 2
    assert work_left(world) == []


def test_a_detector_deleted_while_it_is_learned_in_shards_leaves_nothing(world: Any, machine: Any) -> None:
    limit(world, series_at_once=5)
    world.move(DetectorStatus.BACK_TEST_ACTIVATING)
    world.do("backtest", generation=1)
    order = machine()
    for shard in order["shards"]:
        do(world, order, "shard", shard=shard)
    joined = do(world, order, "join")
    world.move(DetectorStatus.DELETING)
    assert do(world, order, "advance", progress=joined) == OVER
    world.do("delete")
    assert [do(world, order, task, progress=joined, shard=0) for task in ("shard", "join", "advance", "clear")] == [OVER] * 4
    assert world.contents()["objects"] == {}
    assert world.contents()["rows"] == {}


@pytest.mark.parametrize("at_once", [50_000, 5])
@pytest.mark.parametrize(("start", "end"), [(activate_detector, "ACTIVE"), (backtest_detector, "BACK_TEST_COMPLETE")])
def test_a_name_that_comes_back_in_the_same_moment_learns_as_if_it_were_new(
    world: Any, machine: Any, start: Any, end: str, at_once: int
) -> None:
    limit(world, series_at_once=at_once)
    asked, watched, orders = world.catch_invocations(), world.metric_set, []

    def act(do: Any) -> None:
        do(world.context, world.arn)
        perform(world.context, asked.pop())

    for _ in range(2):  # each with as many orders, so that counting on from a moment would meet
        act(delete_detector)
        create_detector(world.context, "sales", Frequency.PT1H)
        world.context.resources.add_metric_set(watched)
        for _ in range(2):
            act(start)
            if at_once == 5:
                orders.append(machine())
                carry_out(world, orders[-1])
            assert world.detector.status == end
            if end == "ACTIVE":
                act(deactivate_detector)
    assert len({order["order"]["generation"] for order in orders}) == len(orders)
    assert work_left(world) == []


def test_a_history_that_changes_while_it_is_learned_in_shards_fails_with_its_reason(world: Any, machine: Any) -> None:
    limit(world, series_at_once=5)
    world.learn()
    world.context.clients.client("s3").delete_object(Bucket="data", Key="history/all.csv")
    assert do(world, machine(), "shard", shard=0) == OVER
    assert world.detector.status is DetectorStatus.FAILED
    assert "there is no file in s3://data/history/" in world.detector.failure_reason


def test_series_beyond_the_quota_are_counted_however_few_are_learned_at_once(world: Any, machine: Any) -> None:
    limit(world, series_at_once=2, most_series=11)
    world.learn()
    assert "12 series (2 measures of 6 combinations" in world.detector.failure_reason
    assert machine() is None


def test_values_that_one_function_has_no_room_for_are_learned_in_shards(world: Any, machine: Any) -> None:
    world.put("history/all.csv", world.csv([world.history_hour(hour) for hour in range(0, 312)]) + far_away())
    limit(world, memory_mb=1)
    world.learn()
    assert world.detector.status is DetectorStatus.ACTIVATING
    assert len(machine()["shards"]) > 1


def far_away() -> str:
    """A row now and then, never in step, from a time so long before that the history is a long one."""
    days = [datetime(2023, 1, 1) + timedelta(days=20 * number + number**3 % 7, hours=number**2 % 24) for number in range(21)]
    return "".join(f"{day:%Y-%m-%d %H:%M:%S},de,app,1,1\n" for day in days)


def pages(world: Any) -> dict[str, History]:
    """The pages of history that are kept."""
    return {key: History.from_arrays(unpack(body)) for key, body in world.contents()["objects"].items() if "/history/" in key}


def assert_alike(mine: Monitor, theirs: Monitor) -> None:
    """Two monitors know the same, but for the rounding of sums."""
    assert (mine.nodes, mine.leaves, mine.cold_start_left) == (theirs.nodes, theirs.leaves, theirs.cold_start_left)
    for my, their in ((mine._detector, theirs._detector), (mine._judge, theirs._judge)):
        for name, array in their.to_arrays().items():
            np.testing.assert_allclose(my.to_arrays()[name], array, rtol=1e-3, atol=1e-3, err_msg=name)
