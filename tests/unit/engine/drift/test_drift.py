"""What moves by so little a day that no hour shows it."""

from collections.abc import Callable

import numpy as np
import pytest

from l4m.engine.drift.drift import PAUSE, Drift

BEGIN = 60
Course = Callable[[np.ndarray], np.ndarray]


def first_told(change: Course, days: int = 95, noise: float = 0.02, seed: int = 1, sensitivity: float = 50.0) -> tuple[int, int] | None:
    """Day, counted from the beginning of the change, and side of the first thing told of the second of two nodes."""
    rng, at = np.random.default_rng(seed), np.arange(days)
    week = 1 + 0.3 * np.sin(at * 2 * np.pi / 7)
    sums = 1_000 * week[:, np.newaxis] * np.exp(noise * rng.normal(size=(days, 2)))
    sums[:, 1] *= np.where(at >= BEGIN, change(np.maximum(at - BEGIN + 1, 0)), 1)
    drift = Drift(1)
    drift.grow(2)
    for day in range(days):
        drift.end_day(sums[day][:, np.newaxis].astype(np.float32))
        found = drift.look(sensitivity, np.zeros(2, np.int64))
        assert not [one for one in found if one.place == 0]
        if found:
            return day - BEGIN, found[0].side
    return None


@pytest.mark.parametrize(
    ("change", "within"),
    [
        (lambda days: 0.99**days, 21),
        (lambda days: 0.95**days, 7),
        (lambda days: np.full(len(days), 0.9), 7),
        (lambda days: np.full(len(days), 0.82), 4),
    ],
    ids=["a leak of 1 % a day", "a leak of 5 % a day", "a step of 10 %", "a step of 18 %"],
)
def test_slow_falls_are_found_in_time(change: Course, within: int) -> None:
    found = first_told(change)
    assert found is not None
    day, side = found
    assert side == -1
    assert 0 <= day <= within


def test_a_slow_rise_is_found_as_a_fall_is() -> None:
    found = first_told(lambda days: 1.01**days)
    assert found is not None
    assert found[1] == 1


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_said_of_what_stays_as_it_is(seed: int) -> None:
    assert first_told(lambda days: np.ones(len(days)), noise=0.015, seed=seed) is None


def test_steady_growth_is_no_news_and_its_end_is() -> None:
    def sums(day: int, last: int) -> np.ndarray:
        return np.array([[1_000 * 1.01 ** min(day, last)]], np.float32)

    steady, ended = Drift(1), Drift(1)
    for drift in (steady, ended):
        drift.grow(1)
    for day in range(82):
        steady.end_day(sums(day, 1_000))
        ended.end_day(sums(day, 60))
        if day == 60:
            assert ended.look(50, np.zeros(1, np.int64)) == []
    assert steady.look(50, np.zeros(1, np.int64)) == []
    assert [one.side for one in ended.look(50, np.zeros(1, np.int64))] == [-1]


def _fallen(day: int) -> np.ndarray:
    """A day of a series that fell on day 60, with a wobble of a per cent."""
    return np.array([[(1_000 if day < 60 else 700) * (1 + 0.01 * np.sin(day * 2.3))]], np.float32)


def test_what_was_told_is_not_told_again_for_weeks() -> None:
    drift = Drift(1)
    drift.grow(1)
    for day in range(70):
        drift.end_day(_fallen(day))
    assert [one.side for one in drift.look(50, np.zeros(1, np.int64))] == [-1]
    drift.note(np.array([0]), -1)
    assert drift.look(50, np.zeros(1, np.int64)) == []
    for more in range(PAUSE - 1):
        drift.end_day(_fallen(70 + more))
        assert drift.look(50, np.zeros(1, np.int64)) == []


def test_it_comes_back_as_it_was_saved() -> None:
    drift, other = Drift(1), Drift(1)
    drift.grow(1)
    for day in range(70):
        drift.end_day(_fallen(day))
    other.restore(drift.to_arrays())
    assert other.look(50, np.zeros(1, np.int64)) == drift.look(50, np.zeros(1, np.int64)) != []
