"""What a node's own season hides, and its kin show."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Incident, Outcome
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Direction, Measure

START, HOUR = 1_699_920_000, 3_600
LEAVES = [(country, platform) for country in ("DE", "FR", "US") for platform in ("ios", "tv", "web", "xbox")]
SHARES = np.outer([0.2, 0.3, 0.5], [0.3, 0.1, 0.4, 0.2]).ravel()
PLACE = LEAVES.index(("FR", "web"))
LEARNED = 24 * 16
EVENT = slice(LEARNED + 10, LEARNED + 13)


def visits(days: int = 18, seed: int = 3, size: float = 20_000) -> np.ndarray:
    """Counts of a shop in which every country has a strong noise of its own, shared by its platforms."""
    rng = np.random.default_rng(seed)
    noise = np.exp(0.15 * rng.normal(size=(24 * days, 3)))
    season = 1 + 0.6 * np.sin(np.arange(24 * days) * np.pi / 12)
    return rng.poisson(size * season[:, np.newaxis] * SHARES * np.repeat(noise, 4, axis=1)).astype(float)


def block(*measures: np.ndarray) -> Block:
    return Block(START, np.stack(measures).astype(np.float32), LEAVES)


def settings(*measures: Measure, **options: object) -> Settings:
    return Settings(HOUR, measures or (Measure("visits"),), ("country", "platform"), **options)  # type: ignore[arg-type]


def detect(*values: np.ndarray, chosen: Settings | None = None) -> list[Incident]:
    return sorted(Monitor(chosen or settings()).observe(block(*values)).incidents, key=lambda one: one.start)


@cache
def learned() -> bytes:
    """A monitor that has seen the visits up to the day of the event, and found nothing in them."""
    monitor = Monitor(settings())
    assert monitor.observe(block(visits()[:LEARNED])).incidents == ()
    return monitor.save()


def go_on(values: np.ndarray, last: int | None = None, keep_points: bool = False) -> Outcome:
    """What that monitor says of the visits from the day of the event on."""
    later = block(values).part(START + LEARNED * HOUR, LEARNED, last or len(values))
    return Monitor.load(learned()).observe(later, keep_points)


def fallen(event: slice = EVENT, factor: float = 0.7, size: float = 20_000) -> np.ndarray:
    values = visits(size=size)
    values[event, PLACE] = np.round(values[event, PLACE] * factor)
    return values


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_that_countries_share_with_their_platforms_tells_nothing(seed: int) -> None:
    assert detect(visits(seed=seed)) == []


def test_a_platform_that_falls_within_the_noise_of_its_country_is_found_and_named() -> None:
    (incident,) = go_on(fallen()).incidents
    assert (incident.direction, incident.causes[0].dimensions) == ("down", {"country": "FR", "platform": "web"})
    assert incident.start == START + EVENT.start * HOUR
    assert incident.causes[0].change == pytest.approx(-0.3, abs=0.05)


def test_its_group_lists_the_platform() -> None:
    groups = go_on(fallen()).groups
    (found,) = [one for one in groups[0].series if one.dimensions == {"country": "FR", "platform": "web"}]
    assert found.value < found.lower < found.expected < found.upper


def test_points_are_judged_by_their_own_season_alone() -> None:
    points = go_on(fallen(), keep_points=True).points
    assert points is not None
    outside = (points.value < points.lower) | (points.value > points.upper)
    np.testing.assert_array_equal(points.is_anomaly, outside & (points.severity > 0))


def test_who_asks_for_rises_hears_of_no_fall() -> None:
    assert detect(fallen(), chosen=settings(direction=Direction.UP)) == []


def test_a_smallest_change_holds_beside_kin_too() -> None:
    assert detect(fallen(), chosen=settings(minimum_relative=0.5)) == []


def test_sales_that_fall_while_visits_vary_as_ever_are_found() -> None:
    values = visits()
    sales = np.random.default_rng(5).poisson(values * 0.2).astype(float)
    inside = slice(4, 8)  # France
    sales[EVENT, inside] = np.round(sales[EVENT, inside] * 0.7)
    (incident,) = detect(values, sales, chosen=settings(Measure("visits"), Measure("sales")))
    assert (incident.measures, incident.causes[0].dimensions) == (("sales",), {"country": "FR"})


def test_averages_have_no_kin() -> None:
    chosen = settings(Measure("price", Aggregation.AVG))
    assert detect(fallen(), chosen=chosen) == []


def test_what_stays_different_is_told_once_and_becomes_the_rule() -> None:
    (incident,) = go_on(np.concatenate([fallen(slice(LEARNED, None)), fallen(slice(0, None))])).incidents
    assert incident.end - incident.start < 4 * 24 * HOUR


CUTS = [24 * 5 + 7, EVENT.start, EVENT.start + 1, EVENT.stop - 1]


@pytest.fixture(scope="module")
def saved() -> dict[int, bytes]:
    """A monitor as it was saved at each cut."""
    whole, monitor, states = block(fallen()), Monitor(settings()), {}
    for first, last in pairwise([0, *CUTS]):
        monitor.observe(whole.part(START + first * HOUR, first, last))
        states[last] = monitor.save()
    return states


@pytest.fixture(scope="module")
def expected() -> Incident:
    """The one incident that a monitor finds which sees everything at once."""
    (incident,) = detect(fallen())
    return incident


@pytest.mark.parametrize("cut", CUTS)
def test_a_saved_monitor_goes_on_as_if_nothing_had_happened(saved: dict[int, bytes], expected: Incident, cut: int) -> None:
    whole, monitor = block(fallen()), Monitor.load(saved[cut])
    hours = range(max(cut, EVENT.start), whole.values.shape[1])
    assert _observe(monitor, whole, cut, hours.start) == ()
    found = {one.id: one for at in hours for one in _observe(monitor, whole, at, at + 1)}
    assert found == {expected.id: expected}


def _observe(monitor: Monitor, whole: Block, first: int, last: int) -> tuple[Incident, ...]:
    return monitor.observe(whole.part(START + first * HOUR, first, last)).incidents


def test_what_comes_later_changes_nothing() -> None:
    before, after = (go_on(fallen(), last).incidents for last in (EVENT.stop + 6, None))
    assert [(one.start, one.causes) for one in before] == [(one.start, one.causes) for one in after]
    assert before


def test_a_leaf_that_appears_leaves_the_others_their_ratios() -> None:
    values = fallen()
    values[: 24 * 16, LEAVES.index(("DE", "xbox"))] = np.nan
    found = [one.causes[0].dimensions for one in detect(values)]
    assert {"country": "FR", "platform": "web"} in found


def test_a_slow_fall_is_found_at_five_minutes_as_at_an_hour() -> None:
    intervals, begin, length = 288 * 11, 288 * 9 + 100, 360
    rng = np.random.default_rng(2)
    season = 1 + 0.6 * np.sin(np.arange(intervals) * np.pi / 144)
    rates = 1_000 * season[:, np.newaxis] * SHARES * np.repeat(np.exp(0.05 * rng.normal(size=(intervals, 3))), 4, axis=1)
    rates[begin : begin + length, PLACE] *= 1 - 0.6 * np.linspace(0.2, 1, length)
    (incident,) = detect(rng.poisson(rates), chosen=replace(settings(), interval_seconds=300))
    assert (incident.direction, incident.causes[0].dimensions) == ("down", {"country": "FR", "platform": "web"})
    assert START + begin * 300 < incident.start < START + (begin + 200) * 300


def test_a_slow_fall_of_everything_is_no_fall_of_some_countries_where_each_has_hours_of_its_own() -> None:
    rng, hours, event = np.random.default_rng(1), np.arange(24 * 18), slice(24 * 16 + 5, 24 * 16 + 17)
    season = np.exp(-1.1 * np.cos((hours[:, np.newaxis] + np.repeat([0, 8, 16], 4)) * np.pi / 12))
    rates = 20_000 * season * SHARES * np.repeat(np.exp(0.02 * rng.normal(size=(len(hours), 3))), 4, axis=1)
    rates[event] *= 1 - 0.5 * np.linspace(0.2, 1, 12)[:, np.newaxis]
    (incident,) = detect(rng.poisson(rates))
    assert [cause.dimensions for cause in incident.causes] == [{}]
