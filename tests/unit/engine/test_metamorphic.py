"""What changes in the data changes the answer in a known way, or not at all."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from tests.unit.engine.days import DAY, GERMANY, LEAVES, SETTINGS, START, WEB, Values, day_of, detect, sales

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Incident

DAYS = 56
FALL, RISE = slice(43, 45), slice(50, 51)
Told = list[tuple[int, int, str, str, dict[str, str]]]


def two_incidents(values: Values) -> None:
    """Germany falls for two days, and the web rises on one."""
    values[FALL, GERMANY] *= 0.6
    values[RISE, WEB] *= 1.5


VALUES = sales(DAYS, change=two_incidents)


def told(incidents: list[Incident], start: int = START) -> Told:
    """Day, length, direction, kind and first cause of every incident."""
    return [
        (day_of(one, start), (one.end - one.start) // DAY, one.direction, one.kind, dict(one.causes[0].dimensions)) for one in incidents
    ]


@pytest.fixture(scope="module")
def expected() -> Told:
    found = told(detect(VALUES))
    assert found == [(43, 1, "down", "value", {"country": "DE"}), (50, 0, "up", "value", {"device": "web"})]
    return found


@limits(max_examples=3)
@given(power=st.integers(-3, 6))
@example(power=-3)
def test_another_unit_of_the_measure_changes_nothing(expected: Told, power: int) -> None:
    assert told(detect(VALUES * 10.0**power)) == expected


@limits(max_examples=2)
@given(weeks=st.integers(-100, 100))
def test_the_same_weeks_at_another_time_are_told_alike(expected: Told, weeks: int) -> None:
    start = START + weeks * 7 * DAY
    assert told(detect(VALUES, start=start), start) == expected


@limits(max_examples=3)
@given(order=st.permutations(range(4)), names=st.lists(st.text("abcXYZ", min_size=1, max_size=4), min_size=4, max_size=4, unique=True))
def test_names_and_order_of_series_mean_nothing(expected: Told, order: list[int], names: list[str]) -> None:
    new = dict(zip(("DE", "FR", "app", "web"), names, strict=True))
    leaves = [(new[LEAVES[at][0]], new[LEAVES[at][1]]) for at in order]
    found = told(detect(VALUES[:, order], leaves=leaves))
    assert found == [(*rest, {key: new[value] for key, value in cause.items()}) for *rest, cause in expected]


def test_the_order_of_dimensions_means_nothing(expected: Told) -> None:
    turned = replace(SETTINGS, dimensions=("device", "country"))
    assert told(detect(VALUES, turned, [(device, country) for country, device in LEAVES])) == expected


@pytest.mark.parametrize("constant", [True, False], ids=["a constant", "noise of its own"])
def test_a_series_beside_them_that_has_nothing_to_do_with_them_changes_nothing(expected: Told, constant: bool) -> None:
    noise = np.random.default_rng(9).normal(1, 0.02, (DAYS, 1))
    more = 3_000 * (np.ones_like(noise) if constant else noise)
    assert told(detect(np.concatenate([VALUES, more], axis=1), leaves=[*LEAVES, ("JP", "tv")])) == expected


def test_a_leaf_split_in_two_leaves_days_and_sides_as_they_are(expected: Told) -> None:
    parts = np.concatenate([VALUES[:, :1] * 0.4, VALUES[:, :1] * 0.6, VALUES[:, 1:]], axis=1)
    found = told(detect(parts, leaves=[("DE", "ios"), ("DE", "android"), *LEAVES[1:]]))
    assert found == expected


@limits(max_examples=2)
@given(weeks=st.integers(1, 2))
def test_a_shorter_past_tells_the_same(expected: Told, weeks: int) -> None:
    found = told(detect(VALUES[7 * weeks :], start=START + 7 * weeks * DAY))
    assert found == expected


@limits(max_examples=2)
@given(cuts=st.lists(st.integers(1, DAYS - 1), min_size=1, max_size=4, unique=True))
@example(cuts=[FALL.start + 1, RISE.start])
def test_blocks_and_restarts_between_them_change_nothing(expected: Told, cuts: list[int]) -> None:
    monitor, found, first = Monitor(SETTINGS), {}, 0
    for last in [*sorted(cuts), DAYS]:
        block = Block(START + first * DAY, VALUES[np.newaxis, first:last].astype(np.float32), LEAVES)
        found |= {one.id: one for one in monitor.observe(block).incidents}
        monitor, first = Monitor.load(monitor.save()), last
    assert told(sorted(found.values(), key=lambda one: one.start)) == expected


def test_what_comes_later_does_not_change_what_was_told(expected: Told) -> None:
    found = told(detect(VALUES[: FALL.stop + 3]))
    assert found == expected[:1]
