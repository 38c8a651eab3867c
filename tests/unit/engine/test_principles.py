"""The principles of what is told, one after the other. Text files and begun intervals have theirs in ``tests/cases``."""

from dataclasses import replace

import numpy as np
import pytest
from tests.unit.engine.days import DAY, GERMANY, LEAVES, SETTINGS, START, Values, day_of, detect, sales

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import REASONS, Incident
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Measure

HOUR = 3_600
BY_HOUR = Settings(HOUR, (Measure("orders"),), ("shop",))
READY = 24 * 15  # hours that are learned before anything happens


def orders(hours: int, rate: float = 400.0, seed: int = 2) -> Values:
    """Counts of one shop by the hour, shape (hours, 1)."""
    season = 1 + 0.5 * np.sin(np.arange(hours) * np.pi / 12)
    return np.random.default_rng(seed).poisson(rate * season)[:, np.newaxis].astype(float)


def hourly(values: Values, settings: Settings = BY_HOUR, leaves: list[tuple[str, ...]] | None = None) -> list[Incident]:
    """Incidents by their start."""
    return detect(values, settings, leaves or [(f"s{n}",) for n in range(values.shape[1])])


def hour_of(one: Incident) -> int:
    return (one.start - START) // HOUR


def days_told(change, days: int = 70, seed: int = 1, **options) -> list[Incident]:
    return detect(sales(days, seed, change), replace(SETTINGS, **options))


# 2. Sides and kinds are apart


def test_an_outage_right_after_a_rise_is_news_with_a_start_of_its_own() -> None:
    values = orders(READY + 30)
    values[READY + 6 : READY + 12] *= 2
    values[READY + 12 : READY + 18] = np.nan
    up, missing = hourly(values)
    assert (hour_of(up), up.direction, up.kind) == (READY + 6, "up", "value")
    assert (hour_of(missing), missing.direction, missing.kind) == (READY + 12, "down", "missing")
    assert up.end < missing.start


def test_what_comes_back_inside_the_band_ends_the_incident_and_is_no_news() -> None:
    values = orders(READY + 30)
    values[READY + 6 : READY + 12] *= 2
    (incident,) = hourly(values)
    assert abs(incident.end - (START + (READY + 11) * HOUR)) <= 2 * HOUR
    assert not incident.is_open


# 3. Absent is not zero, until learned


def test_closed_nights_are_expected_to_be_closed_and_a_closed_day_is_not() -> None:
    values = orders(24 * 23)
    hours = np.arange(len(values)) % 24
    values[(hours < 8) | (hours >= 20)] = np.nan
    values[24 * 22 : 24 * 23] = np.nan
    (incident,) = hourly(values)
    assert incident.kind == "missing"
    assert 8 <= hour_of(incident) - 24 * 22 <= 10


# 4. No variance is not no evidence


def test_a_series_that_never_moved_is_told_in_the_first_interval_in_which_it_moves() -> None:
    values = np.full((66, 1), 5.0)
    values[60] = 10
    (incident,) = detect(values, replace(SETTINGS, dimensions=("shop",)), [("a",)])
    assert (day_of(incident), incident.direction) == (60, "up")


def test_one_of_many_silent_services_is_the_cause_of_its_errors() -> None:
    values = np.zeros((40, 5))
    values[30, 3] = 300
    (incident,) = detect(values, replace(SETTINGS, dimensions=("service",)), [(name,) for name in "abcde"])
    assert (day_of(incident), incident.causes[0].dimensions) == (30, {"service": "d"})


# 5. New and old values


def test_a_new_value_that_lifts_the_total_is_the_cause() -> None:
    values = np.concatenate([sales(60), np.full((60, 1), np.nan)], axis=1)
    values[50:, 4] = 9_000 * np.random.default_rng(3).normal(1, 0.02, 10)
    first = detect(values, leaves=[*LEAVES, ("IT", "tv")])[0]
    assert (day_of(first), first.direction, first.series) == (50, "up", 1)
    assert "IT" in first.causes[0].dimensions.values() or "tv" in first.causes[0].dimensions.values()


# 6. Slow change


@pytest.mark.parametrize(("step", "within"), [(0.10, 7), (0.18, 4)])
def test_a_lasting_step_is_told_within_days(step: float, within: int) -> None:
    def change(values: Values) -> None:
        values[70:, GERMANY] *= 1 - step

    first = days_told(change, 80)[0]
    assert (first.direction, first.causes[0].dimensions) == ("down", {"country": "DE"})
    assert first.noticed <= START + (70 + within) * DAY


# 8. Cycles


def test_quiet_weeks_and_growth_tell_nothing() -> None:
    def change(values: Values) -> None:
        values *= np.exp(0.004 * np.arange(len(values)))[:, np.newaxis]

    assert days_told(None, 100, seed=7) == []
    assert days_told(change, 100, seed=8) == []


# 9. Sparse counts


def test_a_fall_of_many_sparse_series_is_found_in_their_sum() -> None:
    rates = np.full((READY + 20, 12), 6.0)
    rates[READY + 6 : READY + 12, :6] *= 0.3
    counts = np.random.default_rng(4).poisson(rates).astype(float)
    leaves = [(country, f"item{n}") for country in ("DE", "FR") for n in range(6)]
    (incident,) = hourly(counts, replace(BY_HOUR, dimensions=("country", "item")), leaves)
    assert (incident.direction, incident.causes[0].dimensions) == ("down", {"country": "DE"})
    assert abs(hour_of(incident) - READY - 6) <= 1


# 11. Parts or whole


@pytest.mark.parametrize(
    ("leaves", "cause"),
    [([0, 1], {"country": "DE"}), ([1, 3], {"device": "web"}), ([2], {"country": "FR", "device": "app"}), ([0, 1, 2, 3], {})],
)
def test_one_cause_is_told_as_one(leaves: list[int], cause: dict[str, str]) -> None:
    def change(values: Values) -> None:
        values[35, leaves] *= 0.6

    (incident,) = days_told(change, 40)
    assert [one.dimensions for one in incident.causes] == [cause]


# 12. One number


def test_actual_expected_and_change_agree() -> None:
    def change(values: Values) -> None:
        values[35:37, GERMANY] *= 0.6

    (incident,) = days_told(change, 40)
    assert incident.change == pytest.approx(incident.actual / incident.expected - 1)
    assert incident.change == pytest.approx(incident.causes[0].change, abs=1e-3)
    assert incident.change == pytest.approx(-0.4, abs=0.05)
    assert incident.actual == pytest.approx(sales(40, change=change)[35:37, GERMANY].sum(), rel=1e-4)


# 14. No silent suppression


def test_every_anomalous_point_has_its_reason_and_no_other_has_one() -> None:
    values = sales(60, seed=5)
    values[[20, 40], 1] *= 1.12
    values[50, GERMANY] *= 0.5
    values[6] *= 3  # before anything is ready
    points = Monitor(SETTINGS).observe(Block(START, values[np.newaxis].astype(np.float32), LEAVES), keep_points=True).points
    assert points is not None
    np.testing.assert_array_equal(points.is_anomaly, points.reason > 0)
    assert points.is_anomaly.any()
    assert all(REASONS[number] for number in np.unique(points.reason[points.is_anomaly]))
    assert REASONS[points.reason[0, 50, points.nodes.index(("DE", "*"))]] == "part of an incident"


# 15. Evidence adds up


def test_a_count_of_twelve_that_is_zero_is_told_within_three_intervals_and_ends_when_it_ends() -> None:
    settings = Settings(900, (Measure("chats"),))
    counts = np.random.default_rng(6).poisson(12, (700, 1)).astype(float)
    counts[640:664] = 0
    (incident,) = detect(counts, settings, [()])
    assert incident.noticed <= START + 642 * 900
    assert abs(incident.start - (START + 640 * 900)) <= 900
    assert abs(incident.end - (START + 663 * 900)) <= 2 * 900


def test_few_a_day_that_stop_are_told_on_the_second_day() -> None:
    counts = np.random.default_rng(8).poisson(8, (60, 1)).astype(float)
    counts[50:] = 0
    (incident,) = detect(counts, replace(SETTINGS, dimensions=()), [()])
    assert incident.noticed <= START + 51 * DAY
    assert (incident.direction, incident.kind) == ("down", "value")


# 16. Whatever the measure


@pytest.mark.parametrize("aggregation", list(Aggregation), ids=lambda one: one.value)
def test_sums_and_averages_of_a_single_series_are_told_alike(aggregation: Aggregation) -> None:
    values = sales(50)[:, :1]
    values[40:42] *= 0.6
    (incident,) = detect(values, Settings(DAY, (Measure("price", aggregation),)), [()])
    assert (day_of(incident), incident.direction, incident.causes[0].dimensions) == (40, "down", {})
