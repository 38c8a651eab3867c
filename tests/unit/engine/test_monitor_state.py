"""What a monitor remembers: saved and loaded after any interval, and given its intervals in any blocks, it says the same."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Group, Incident
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Measure

START = 1_699_833_600  # a Monday
LEAVES = [(country, device) for country in ("DE", "FR", "US") for device in ("app", "tv", "web")]
MEASURES = (Measure("orders"), Measure("delay", Aggregation.AVG), Measure("errors", Aggregation.AVG))
TOLD = {300: 12 * 3, 3_600: 24, 86_400: 10}  # intervals after the cold start, in which incidents come and go
LEARNED = {300: 900, 3_600: 24 * 13, 86_400: 35}


class Data(NamedTuple):
    values: NDArray[np.float32]
    weights: NDArray[np.float32]


class Said(NamedTuple):
    groups: list[Group]
    incidents: dict[str, Incident]

    @property
    def words(self) -> list[str]:
        """All of it as text, in which a value that did not come equals another."""
        return [repr(one) for one in [*self.groups, *self.incidents.values()]]


@cache
def data(step: int) -> Data:
    """Orders, delays and error rates with a leaf that comes in the cold start, one that comes later, gaps, and incidents."""
    rng, learned, count = np.random.default_rng(5), LEARNED[step], LEARNED[step] + TOLD[step]
    day = max(1, 86_400 // step)
    wave = 1 + (0.5 * np.sin(np.arange(count) / day * 2 * np.pi) if day > 1 else 0.1 * (np.arange(count) % 7))
    rate = wave[:, np.newaxis] * np.linspace(200, 900, len(LEAVES))
    rate[learned + 2 : learned + 7, :3] *= 0.3
    rate[learned + 5 :, 7] *= 2.5
    orders = rng.poisson(rate).astype(np.float32)
    delays = rng.normal(20, 1, orders.shape)
    delays[learned + 4 :, 3:6] *= 2
    weights = rng.poisson(rate) + 1
    errors = rng.binomial(weights, 0.05) / weights
    values = np.stack([orders, delays, errors]).astype(np.float32)
    weighed = np.stack([np.ones_like(orders), np.ones_like(orders), weights]).astype(np.float32)
    values[:, : learned // 2, 8] = np.nan
    values[:, : learned + 3, 4] = np.nan
    values[:, learned + 6 : learned + 8, 1] = np.nan
    values[:, 20:23, 2] = np.nan
    return Data(values, weighed)


def settings_of(step: int) -> Settings:
    return Settings(step, MEASURES, ("country", "device"))


def say(step: int, cuts: list[int], monitor: Monitor, first: int, *, saves: bool) -> Said:
    """What is said of the intervals from ``first`` on, cut into blocks."""
    values, weights = data(step)
    said = Said([], {})
    for begin, end in pairwise(sorted({first, *(cut for cut in cuts if cut > first), values.shape[1]})):
        seen = ~np.isnan(values[:, begin:end]).all(axis=(0, 1))  # a block names only leaves that it has
        leaves = [leaf for leaf, is_there in zip(LEAVES, seen, strict=True) if is_there]
        outcome = monitor.observe(Block(START + begin * step, values[:, begin:end, seen], leaves, weights[:, begin:end, seen]))
        said.groups.extend(outcome.groups)
        said.incidents.update({one.id: one for one in outcome.incidents})
        if saves:
            monitor = Monitor.load(monitor.save())
    return said


@cache
def learned(step: int) -> bytes:
    """A monitor after its cold start."""
    monitor, (values, weights), end = Monitor(settings_of(step)), data(step), LEARNED[step]
    monitor.observe(Block(START, values[:, :end], LEAVES, weights[:, :end]))
    return monitor.save()


@pytest.mark.parametrize("step", TOLD)
def test_saved_and_loaded_after_every_interval_a_monitor_says_the_same(step: int) -> None:
    first, cuts = LEARNED[step], list(range(LEARNED[step], LEARNED[step] + TOLD[step]))
    whole = say(step, [], Monitor.load(learned(step)), first, saves=False)
    mine = say(step, cuts, Monitor.load(learned(step)), first, saves=True)
    assert mine.words == whole.words
    assert whole.incidents


@pytest.mark.parametrize("step", [3_600, 86_400])
@given(cuts=st.lists(st.integers(1, 300), max_size=5))
@limits(max_examples=3)
def test_any_blocks_make_the_same_monitor(step: int, cuts: list[int]) -> None:
    whole = say(step, [LEARNED[step]], Monitor(settings_of(step)), 0, saves=False)
    assert say(step, [*cuts, LEARNED[step] + 4], Monitor(settings_of(step)), 0, saves=True).words == whole.words
