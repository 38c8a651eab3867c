"""Explaining one table: against brute force on small ones, and against known causes on larger ones."""

from itertools import combinations, product

import numpy as np
import pytest

from l4m.engine.hierarchy.cuboids import build_cuboids
from l4m.engine.root_cause.explain import explain, explain_ratio
from l4m.engine.root_cause.localize import Moves, locate

SIZES = (5, 6, 7)
CODES = np.indices(SIZES).reshape(3, -1).T
VALUES = {name: [f"{name}{i}" for i in range(size)] for name, size in zip("abc", SIZES, strict=True)}


def table(seed: int, causes: dict[tuple[tuple[int, int], ...], float], noise: float = 0.03) -> tuple[np.ndarray, np.ndarray]:
    """Actual and expected values where each cause multiplies its leaves."""
    rng = np.random.default_rng(seed)
    expected = rng.uniform(50, 500, len(CODES))
    actual = expected * (1 + rng.normal(0, noise, len(CODES)))
    for place, factor in causes.items():
        inside = np.all([CODES[:, d] == value for d, value in place], axis=0)
        actual[inside] = expected[inside] * factor * (1 + rng.normal(0, 0.01, inside.sum()))
    return actual, expected


def found(actual: np.ndarray, expected: np.ndarray) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(cause.dimensions.items()) for cause in explain(CODES, VALUES, actual, expected)}


def named(*places: tuple[tuple[int, int], ...]) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(("abc"[d], f"{'abc'[d]}{value}") for d, value in place) for place in places}


def best_by_brute_force(actual: np.ndarray, expected: np.ndarray, error: np.ndarray) -> tuple[tuple[int, int], ...]:
    """The element whose common change lowers the squared error most, each tried with every change of 1 %."""
    best, gain, changes = (), 0.0, np.arange(0, 3, 0.01)[:, np.newaxis]
    for level in range(4):
        for dims in combinations(range(3), level):
            for values in product(*(range(SIZES[d]) for d in dims)):
                inside = (
                    np.all([CODES[:, d] == v for d, v in zip(dims, values, strict=True)], axis=0) if dims else np.ones(len(CODES), bool)
                )
                came, due, sigma = actual[inside], expected[inside], error[inside]
                before = ((came - due) / sigma) ** 2
                after = (((came - due * changes) / sigma) ** 2).sum(axis=1).min()
                cost = np.log(np.prod([SIZES[d] for d in dims])) + np.log(len(list(combinations(range(3), level))))
                if (before.sum() - after) / 2 - cost > gain:
                    best, gain = tuple(zip(dims, values, strict=True)), (before.sum() - after) / 2 - cost
    return best


@pytest.mark.parametrize("place", [(), ((0, 1),), ((1, 2), (2, 3)), ((0, 4), (1, 5), (2, 6))])
def test_one_cause_is_what_brute_force_finds_and_what_was_put_in(place):
    actual, expected = table(11, {place: 0.5})
    error = np.full(len(expected), 0.08) * expected
    assert best_by_brute_force(actual, expected, error) == place
    first = locate(build_cuboids(CODES), Moves.of(actual, expected, error))[0]
    assert tuple(zip(first.dimensions, CODES[first.leaves[0], list(first.dimensions)], strict=True)) == place
    if place:
        assert found(actual, expected) == named(place)


@pytest.mark.parametrize("seed", range(5))
def test_causes_that_move_in_opposite_directions_are_told_apart(seed):
    causes = {((0, 1),): 0.4, ((1, 3), (2, 2)): 2.5}
    assert found(*table(seed, causes)) == named(*causes)


@pytest.mark.parametrize("seed", range(5))
def test_two_values_of_one_dimension_are_two_causes_and_not_their_parent(seed):
    causes = {((0, 1), (2, 0)): 0.4, ((0, 1), (2, 1)): 0.4}
    assert found(*table(seed, causes)) == named(*causes)


@pytest.mark.parametrize("seed", range(8))
def test_noise_has_no_cause(seed):
    assert found(*table(seed, {}, noise=0.1)) == set()


def test_contribution_is_the_share_of_the_deviation_and_change_that_of_the_place():
    actual, expected = table(3, {((0, 1),): 0.5}, noise=0.0)
    (cause,) = explain(CODES, VALUES, actual, expected)
    assert cause.contribution == 100.0
    assert cause.change == pytest.approx(-0.5, abs=0.01)


def test_a_ratio_changes_only_where_its_numerator_does_not_follow():
    rng = np.random.default_rng(5)
    views, rate = rng.uniform(1000, 5000, len(CODES)), 0.03
    traffic = np.where(CODES[:, 0] == 2, 0.5, 1.0)  # fewer views in a2: no change of the ratio
    conversion = np.where(CODES[:, 1] == 4, 0.4, 1.0)  # worse ratio in b4
    actual = (views * traffic * rate * conversion * rng.normal(1, 0.02, len(views)), views * traffic)
    (cause,) = explain_ratio(CODES, VALUES, actual, (views * rate, views))
    assert cause.dimensions == {"b": "b4"}
    assert cause.change == pytest.approx(-0.6, abs=0.02)


def test_nothing_and_nothing_but_zeros_have_no_cause():
    assert explain(CODES[:0], VALUES, np.zeros(0), np.zeros(0)) == []
    assert explain(CODES, VALUES, np.zeros(len(CODES)), np.zeros(len(CODES))) == []


def test_missing_values_count_as_nothing_that_came():
    actual, expected = table(3, {})
    actual[CODES[:, 2] == 5] = np.nan
    (cause,) = explain(CODES, VALUES, actual, expected)
    assert (cause.dimensions, cause.change) == ({"c": "c5"}, -1.0)
