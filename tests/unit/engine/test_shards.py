"""A monitor whose leaves learned in shards: the same as one that learned them all at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.engine.detection.state import take_from
from l4m.engine.judge import MOST_LEAVES
from l4m.engine.monitor import Monitor
from l4m.engine.serialization import unpack
from l4m.engine.settings import Settings
from l4m.engine.shards import Nodes, Shard, ShardMerger, Sums
from l4m.model import Aggregation, Measure

HOUR, START = 3600, 1_699_920_000
LEAVES = [(f"shop{n % 5}", f"item{n // 5}") for n in range(30)]
SETTINGS = Settings(HOUR, (Measure("orders"), Measure("price", Aggregation.AVG)), ("shop", "item"))
LEARNED, LIVE = 13 * 24, 12


def sales() -> NDArray[np.float32]:
    """Orders and prices of all leaves by the hour, some of which come late, pause or drop at the end."""
    hours, rng = np.arange(LEARNED + LIVE), np.random.default_rng(7)
    wave = 10 * (1 + np.arange(len(LEAVES))) * (1 + 0.5 * np.sin(hours / 24 * 2 * np.pi))[:, np.newaxis]
    orders = rng.poisson(wave)
    prices = rng.normal(20, 1, orders.shape)
    values = np.stack([orders, prices]).astype(np.float32)
    for leaf, arrival in enumerate(rng.integers(0, 200, 10)):
        values[:, :arrival, leaf] = np.nan
    values[:, 100:130, 12] = np.nan
    values[:, LEARNED + 4 :, :10] *= 0.2
    return values


VALUES = sales()
FIRST = (~np.isnan(VALUES[0])).argmax(axis=0)
ORDER = sorted(range(len(LEAVES)), key=lambda leaf: (FIRST[leaf], LEAVES[leaf]))
ORDERED = VALUES[:, :, ORDER]


def at_once() -> Monitor:
    """A monitor that learned everything by itself."""
    return learn(SETTINGS, LEAVES, VALUES[:, :LEARNED])


def learn(settings: Settings, leaves: Sequence[tuple[str, ...]], values: NDArray[np.float32]) -> Monitor:
    """A monitor that learned values by itself, in slices."""
    monitor = Monitor(settings)
    for begin in range(0, values.shape[1], 100):
        monitor.observe(Block(START + begin * settings.interval_seconds, values[:, begin : begin + 100], leaves))
    return monitor


def in_shards(owners: NDArray[np.int64]) -> Monitor:
    """A monitor joined from shards; ``owners`` says which one each leaf belongs to."""
    return join(Nodes(SETTINGS, [LEAVES[leaf] for leaf in ORDER]), ORDERED[:, :LEARNED], owners)


def join(nodes: Nodes, values: NDArray[np.float32], owners: NDArray[np.int64]) -> Monitor:
    """A monitor joined from shards that learned the values of leaves in the order of their appearance."""
    merger, columns = ShardMerger(nodes), [np.flatnonzero(owners == number) for number in range(owners.max() + 1)]
    shards = [Shard(nodes, one) for one in columns]
    for begin in range(0, values.shape[1], 100):
        stretch, start = slice(begin, begin + 100), START + begin * nodes.settings.interval_seconds
        parts = [shard.observe(values[:, stretch, one], start) for shard, one in zip(shards, columns, strict=True)]
        merger.learn(Sums.of(parts), start)
    for shard, one in zip(shards, columns, strict=True):
        merger.take(one, shard.learned())
    return merger.monitor(values.shape[1])


@pytest.fixture(scope="module")
def expected() -> Monitor:
    return at_once()


def go_on(monitor: Monitor):
    """What a copy of a monitor says about the hours after those it learned."""
    copy = Monitor.load(monitor.save())
    return copy.observe(Block(START + LEARNED * HOUR, VALUES[:, LEARNED:], LEAVES), keep_points=True)


@limits(max_examples=2)
@given(owners=st.lists(st.integers(0, 3), min_size=len(LEAVES), max_size=len(LEAVES)))
@example(owners=[leaf % 5 for leaf in range(len(LEAVES))])
def test_any_shards_make_the_monitor_that_learned_all_at_once(expected: Monitor, owners: list[int]) -> None:
    joined = in_shards(np.array(owners))
    assert (joined.nodes, joined.leaves, joined.cold_start_left) == (expected.nodes, expected.leaves, expected.cold_start_left)
    mine, theirs = go_on(joined), go_on(expected)
    assert mine.points is not None
    assert theirs.points is not None
    for name in ("value", "expected", "lower", "upper", "severity"):
        np.testing.assert_allclose(getattr(mine.points, name), getattr(theirs.points, name), rtol=2e-4, atol=2e-3, err_msg=name)
    assert np.array_equal(mine.points.is_anomaly, theirs.points.is_anomaly)
    leaves = [number for number, node in enumerate(theirs.points.nodes) if "*" not in node]
    assert np.array_equal(mine.points.severity[:, :, leaves], theirs.points.severity[:, :, leaves], equal_nan=True)  # to the last bit
    assert [(one.start, one.measures, one.causes) for one in mine.incidents] == [
        (one.start, one.measures, one.causes) for one in theirs.incidents
    ]
    assert mine.incidents


def test_joined_in_the_middle_of_a_day_a_monitor_knows_that_day_and_those_before() -> None:
    hours, airports = 24 * 20, [("A",), ("B",), ("C",)]
    values = np.random.default_rng(7).poisson(100, (1, hours, 3)).astype(np.float32)
    settings = Settings(HOUR, (Measure("flights"),), ("airport",))
    nodes, whole = Nodes(settings, airports), Monitor(settings)
    columns = [np.array([column]) for column in range(3)]
    shards, merger = [Shard(nodes, one) for one in columns], ShardMerger(nodes)
    for first, split in pairwise([0, 24 * 12 + 5, 24 * 13]):
        for begin in range(first, split, 100):
            stretch, start = slice(begin, min(begin + 100, split)), START + begin * HOUR
            parts = [shard.observe(values[:, stretch, one], start) for shard, one in zip(shards, columns, strict=True)]
            merger.learn(Sums.of(parts), start)
            whole.observe(Block(start, values[:, stretch], airports))
        joined = deepcopy(merger)
        for shard, one in zip(shards, columns, strict=True):
            joined.take(one, shard.learned())
        mine, theirs = (unpack(one.save()) for one in (joined.monitor(split), whole))
        assert len(mine["drift.sums"]) == split // 24
        np.testing.assert_allclose(mine["drift.sums"], theirs["drift.sums"], rtol=1e-6)
        assert ("today" in mine) == ("today" in theirs) == (split % 24 > 0)


def test_shards_of_more_leaves_than_are_tracked_judge_them_as_one_that_saw_all() -> None:
    count, rng = MOST_LEAVES + 76, np.random.default_rng(3)
    leaves = [(f"shop{n % 10}", f"item{n // 10 % 12}", f"size{n}") for n in range(count)]
    values = rng.poisson(30, (2, 60, count)).astype(np.float32)
    values[0, 20, 7] = -3  # no longer a measure that is never negative, though its rollups are
    values[:, 40:44, 5] = np.nan
    settings = Settings(HOUR, (Measure("orders"), Measure("returns")), ("shop", "item", "size"))
    order = sorted(range(count), key=lambda leaf: leaves[leaf])
    joined = join(Nodes(settings, [leaves[leaf] for leaf in order]), values[:, :, order], rng.integers(0, 3, count))
    mine, theirs = (unpack(one.save()) for one in (joined, learn(settings, leaves, values)))
    for part in ("presence.", "evidence.", "drift."):
        found, expected = take_from(part, mine), take_from(part, theirs)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, rtol=1e-3, atol=1e-3, err_msg=f"{part}{name}")


def test_a_fall_beside_its_kind_is_found_in_the_first_hours_after_joining() -> None:
    rng, hours, leaves = np.random.default_rng(3), 24 * 16 + 10, [(country, device) for country in "ABC" for device in "wxyz"]
    noise = np.repeat(np.exp(0.15 * rng.normal(size=(hours, 3))), 4, axis=1)
    values = rng.poisson(1_000 * noise)[np.newaxis].astype(np.float32)
    values[0, -3:, 5] *= 0.6
    settings = Settings(HOUR, (Measure("visits"),), ("country", "device"))
    later = Block(START + (hours - 3) * HOUR, values[:, -3:], leaves)
    (mine,), (theirs,) = (
        one.observe(later).incidents
        for one in (join(Nodes(settings, leaves), values[:, :-3], np.arange(12) % 5), learn(settings, leaves, values[:, :-3]))
    )
    assert (mine.start, mine.causes) == (later.start, theirs.causes)
    assert mine.causes[0].dimensions["country"] == "B"
