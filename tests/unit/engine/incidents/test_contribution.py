"""Contributions sum to exactly 100 and follow the deviations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l4m.engine.block import Block
from l4m.engine.incidents.contribution import contribute, share_out
from l4m.engine.monitor import Monitor
from l4m.engine.results import Group
from l4m.engine.settings import Settings
from l4m.model import Measure

WEIGHTS = st.dictionaries(st.text(min_size=1, max_size=5), st.floats(0, 1e15), min_size=1, max_size=40)


@given(WEIGHTS)
def test_shares_sum_to_exactly_one_hundred_and_none_is_off_by_more_than_a_hundredth(weights):
    shares = share_out(weights)
    assert round(sum(round(100 * share) for share in shares.values())) == 10_000
    total = sum(weights.values())
    for name, weight in weights.items():
        exact = 100 * weight / total if total > 0 else 100 / len(weights)
        assert abs(shares[name] - exact) <= 0.0101
        assert 0 <= shares[name] <= 100


def test_values_weigh_what_their_leaves_deviate_together():
    assert contribute(np.array([60.0, 20.0, 3.0, -3.0, -5.0]), np.array([0, 1, 2, 2, 3])).tolist() == [60.0, 20.0, 0.0, 0.0]


def group_of(days: list[list[float]]) -> Group:
    """The group of the last day, after a month like the first."""
    settings = Settings(interval_seconds=86_400, measures=(Measure("views"),), dimensions=("country", "platform"))
    usual = np.array(days[:1] * 60, np.float32) * np.random.default_rng(1).normal(1, 0.02, (60, len(days[0]))).astype(np.float32)
    values = np.concatenate([usual, np.array(days[1:], np.float32)])
    leaves = [("US", "ios"), ("US", "web"), ("DE", "ios"), ("DE", "web")]
    return Monitor(settings).observe(Block(1_704_067_200, values[np.newaxis], leaves)).groups[-1]


def test_a_fall_everywhere_is_shared_by_size_even_where_single_series_are_too_small_to_be_anomalous():
    group = group_of([[600, 200, 150, 50], [300, 100, 75, 25]])
    assert group.contributions["country"]["US"] == pytest.approx(80, abs=3)
    assert group.contributions["platform"]["ios"] == pytest.approx(75, abs=3)


def test_a_fall_in_one_place_is_the_contribution_of_that_place():
    group = group_of([[600, 600, 600, 600], [200, 600, 600, 600]])
    assert group.contributions["country"]["US"] > 95
    assert group.contributions["platform"]["ios"] > 95


def test_a_silent_leaf_weighs_what_was_expected_of_it():
    group = group_of([[400, 400, 400, 400], [math.nan, 400, 400, 400]])
    assert group.contributions["country"]["US"] > 90
