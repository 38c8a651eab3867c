"""The price calculation agrees with published figures and with itself."""

import doctest
import json

import pytest


@pytest.fixture
def cost(load_script):
    return load_script("scripts/cost.py")


@pytest.fixture
def prices(root):
    return json.loads((root / "scripts/prices.json").read_text())


@pytest.mark.parametrize(("metrics", "dollars"), [(0, 0), (1, 0.75), (1000, 750), (5000, 2750), (50_000, 9500), (60_000, 10_000)])
def test_lookout_charged_by_tier(cost, prices, metrics, dollars):
    assert cost.lookout_cost(metrics, prices["lookout_metric_month"]) == pytest.approx(dollars)


def test_lambda_by_hand(cost, prices):
    usage = cost.Usage(detection_gb=2, seconds_a_run=1, seconds_a_series=0.001, crawl_gb=0.5, crawl_seconds=2)
    bill = cost.monthly_cost(1000, "PT1H", prices, usage)
    by_hand = 720 * ((2 * (1 + 1) + 2 * 0.5 * 2) * 0.0000133334 + 3 * 0.0000002)
    assert bill["Lambda"] == pytest.approx(by_hand)


def test_more_series_or_shorter_intervals_never_cost_less(cost, prices):
    def total(series, interval):
        return sum(cost.monthly_cost(series, interval, prices).values())

    for interval in cost.INTERVAL_MINUTES:
        assert total(100, interval) <= total(1000, interval) <= total(50_000, interval)
    for series in cost.SERIES:
        assert total(series, "P1D") <= total(series, "PT1H") <= total(series, "PT10M") <= total(series, "PT5M")


def test_learning_by_hand(cost, prices):
    usage = cost.Usage(detection_gb=2, series_at_once=100, learn_seconds_a_value=0.01, read_seconds_a_value=0.02, join_seconds_a_value=0.03)
    gb_second, objects = 0.0000133334, 0.000005 + 2 * 0.0000004
    assert cost.learning_cost(100, 170, prices, usage) == pytest.approx(2 * 170 * gb_second)
    in_three = 2 * 300 * 170 * (3 * 0.02 + 0.03) * gb_second + 18 * 0.000025 + 6 * objects
    assert cost.learning_cost(300, 170, prices, usage) == pytest.approx(in_three)


def test_states_that_late_data_goes_back_to_are_paid_for(cost, prices):
    usage = cost.Usage(kept_days=0, s3_puts_a_run=0, s3_gets_a_run=0, state_bytes_a_series=1_000_000, states=25, replaced_days=4)
    assert cost.monthly_cost(1000, "PT1H", prices, usage)["S3"] == pytest.approx((25 + 4 * 24) * 0.023)


def test_the_price_list_is_dated_and_positive(prices):
    assert prices["as_of"] >= "2025-01-01"
    assert all(value > 0 for value in prices.values() if isinstance(value, int | float))


def test_the_table_has_a_line_for_each_size(cost, prices):
    table = cost.table(prices)
    assert prices["as_of"] in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert [row.split(" | ")[0] for row in rows[2:-1]] == [f"| {series:,}" for series in cost.SERIES]
    assert "| 9,500.00 |" in rows[4]
    assert len({row.count("|") for row in rows}) == 1


def test_a_serverless_redshift_that_the_crawl_wakes_is_counted(cost, prices):
    assert cost.redshift_cost("PT1H", prices) == pytest.approx(720 * 60 / 3600 * 8 * 0.375)
    assert "serverless Redshift" in cost.table(prices)


def test_no_series_is_refused(cost, prices):
    with pytest.raises(ValueError, match="not 0"):
        cost.monthly_cost(0, "PT1H", prices)


def test_examples_in_the_docstrings(cost):
    assert doctest.testmod(cost).failed == 0
