"""Accounts: every node is the sum of its leaves, whatever the measure."""

import numpy as np
import pytest

from l4m.engine.evidence.accounts import Accounts, Kinds
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.settings import Settings
from l4m.model import Measure

LEAVES = [("DE", "app"), ("DE", "web"), ("FR", "app")]
SETTINGS = Settings(3_600, (Measure("m"),), ("country", "device"))
NAN = float("nan")


@pytest.fixture(scope="module")
def index() -> HierarchyIndex:
    cube = Rollups(2, True)
    cube.add(LEAVES)
    return HierarchyIndex.of(SETTINGS, cube)


def kinds(is_sum: bool, is_weighted: bool = False) -> Kinds:
    return Kinds(*(np.array([one]) for one in (is_sum, is_weighted, True, False)))


def accounts(index: HierarchyIndex, chosen: Kinds, values: list[float], weights: list[float] | None = None, filled=(0, 0, 0)) -> Accounts:
    columns = np.array(values, np.float32)[:, np.newaxis]
    shares = None if weights is None else np.array(weights, np.float32)[:, np.newaxis]
    return Accounts.of(index, chosen, columns, shares, np.array(filled, np.bool_)[:, np.newaxis])


def at(index: HierarchyIndex, array: np.ndarray, *node: str) -> float:
    return float(array[index.numbers[node], 0])


def test_sums_are_added_up_and_what_did_not_come_is_left_out(index: HierarchyIndex) -> None:
    found = accounts(index, kinds(True), [1, 2, NAN])
    assert at(index, found.values, "DE", "*") == 3
    assert np.isnan(at(index, found.values, "FR", "app"))
    assert not found.reported[index.numbers["FR", "app"], 0]


def test_an_absence_that_counts_as_zero_is_zero(index: HierarchyIndex) -> None:
    found = accounts(index, kinds(True), [1, 2, NAN], filled=(0, 0, 1))
    assert at(index, found.values, "FR", "app") == 0
    assert not found.reported[index.numbers["FR", "app"], 0]


def test_a_ratio_is_the_sum_of_numerators_over_that_of_denominators(index: HierarchyIndex) -> None:
    found = accounts(index, kinds(False, True), [0.5, 0.1, 0.2], [10, 90, 100])
    assert at(index, found.values, "DE", "*") == pytest.approx((5 + 9) / 100)
    assert at(index, found.value(kinds(False, True)), "DE", "*") == pytest.approx(14)


def test_what_is_due_of_a_ratio_goes_with_its_denominator(index: HierarchyIndex) -> None:
    chosen = kinds(False, True)
    usual = np.full((len(index.nodes), 1), 0.1, np.float32)
    few, many = (accounts(index, chosen, [0.1] * 3, [size] * 3).due(index, chosen, usual) for size in (10, 1_000))
    assert at(index, many, "DE", "*") == pytest.approx(100 * at(index, few, "DE", "*"))


def test_an_average_is_due_what_its_parts_are_due_that_reported(index: HierarchyIndex) -> None:
    chosen = kinds(False)
    usual = np.zeros((len(index.nodes), 1), np.float32)
    usual[index.leaf_nodes, 0] = [10, 30, 50]
    usual[index.numbers["DE", "*"], 0] = 20
    found = accounts(index, chosen, [10, NAN, 50])
    assert at(index, found.due(index, chosen, usual), "DE", "*") == 10
