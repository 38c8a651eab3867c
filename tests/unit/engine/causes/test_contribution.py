"""Contributions sum to exactly 100 and follow the deviations."""

import math

from hypothesis import given
from hypothesis import strategies as st

from l4m.engine.contribution import contribute, share_out
from l4m.engine.results import SeriesAnomaly

WEIGHTS = st.dictionaries(st.text(min_size=1, max_size=5), st.floats(0, 1e15), min_size=1, max_size=40)


def anomaly(value: float, expected: float, **dimensions: str) -> SeriesAnomaly:
    return SeriesAnomaly(dimensions, value, expected, 0.0, 1.0, 50.0)


@given(WEIGHTS)
def test_shares_sum_to_exactly_one_hundred_and_none_is_off_by_more_than_a_hundredth(weights):
    shares = share_out(weights)
    assert round(sum(round(100 * share) for share in shares.values())) == 10_000
    total = sum(weights.values())
    for name, weight in weights.items():
        exact = 100 * weight / total if total > 0 else 100 / len(weights)
        assert abs(shares[name] - exact) <= 0.0101
        assert 0 <= shares[name] <= 100


def test_a_series_weighs_its_deviation_from_expected():
    series = [anomaly(40, 100, country="US", platform="ios"), anomaly(80, 100, country="DE", platform="ios")]
    assert contribute(("country", "platform"), series) == {"country": {"US": 75.0, "DE": 25.0}, "platform": {"ios": 100.0}}


def test_a_missing_series_weighs_what_was_expected_and_a_rolled_up_dimension_is_left_out():
    series = [anomaly(math.nan, 30, country="US"), anomaly(100, 90, country="DE")]
    assert contribute(("country", "platform"), series) == {"country": {"US": 75.0, "DE": 25.0}}


def test_nothing_anomalous_contributes_nothing():
    assert contribute(("country",), []) == {}
