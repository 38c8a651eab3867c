"""Days that are off as a whole, and what is told only once."""

from functools import cache

import numpy as np
import pytest

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Incident, Outcome
from l4m.engine.settings import Settings
from l4m.model import Measure

START, HOUR, DAY = 1_700_697_600, 3_600, 86_400  # a Thursday, 32 days before Christmas
AIRPORTS = [("A",), ("B",), ("C",)]
LEARNED = 24 * 31


def delays() -> np.ndarray:
    """Thirty-six days of delays with heavy tails: hour by hour, nothing moderate is a surprise."""
    return 100 * np.exp(np.random.default_rng(7).normal(0, 0.7, (24 * 36, 3)))


def monitor_of(country: str = "JP") -> Monitor:
    """A new monitor; Japan has no holiday in the days that differ from test to test."""
    return Monitor(Settings(HOUR, (Measure("delay"),), ("airport",), country=country))


def observe(monitor: Monitor, values: np.ndarray, first: int = 0, last: int | None = None) -> Outcome:
    """What a monitor says of the hours ``first`` to ``last``."""
    return monitor.observe(Block(START + first * HOUR, values[np.newaxis, first:last].astype(np.float32), AIRPORTS))


def incidents_of(outcome: Outcome) -> list[Incident]:
    return sorted(outcome.incidents, key=lambda one: one.start)


@cache
def learned(country: str) -> bytes:
    """A monitor that has seen all but the last five days of the delays, and found nothing in them."""
    monitor = monitor_of(country)
    assert observe(monitor, delays(), 0, LEARNED).incidents == ()
    return monitor.save()


def last_days(values: np.ndarray, country: str = "JP") -> Outcome:
    """What is said of the last five days."""
    return observe(Monitor.load(learned(country)), values, LEARNED)


def test_quiet_days_with_heavy_tails_tell_nothing() -> None:
    assert last_days(delays()).incidents == ()


def test_a_bad_day_is_told_on_that_day() -> None:
    values = delays()
    values[24 * 31 + 8 : 24 * 31 + 22] *= 2.2
    (incident,) = last_days(values).incidents
    assert (incident.direction, incident.causes[0].dimensions) == ("up", {})
    assert START + 31 * DAY + 8 * HOUR <= incident.start < incident.end < START + 31 * DAY + 22 * HOUR


def test_a_bad_day_is_a_group_of_its_sums_where_it_is_told() -> None:
    values = delays()
    values[24 * 31 + 8 : 24 * 31 + 22] *= 2.2
    outcome = last_days(values)
    group = outcome.groups[0]
    told = (group.start - START) // HOUR + 1
    assert (group.incident_id, group.direction, told % 4) == (outcome.incidents[0].id, "up", 0)
    assert group.series[0].value == pytest.approx(values[24 * 31 : told].sum(), rel=1e-5)
    assert group.series[0].expected < group.series[0].value / 1.4
    assert sum(group.contributions["airport"].values()) == pytest.approx(100)


def test_a_day_that_one_part_makes_alone_is_not_off_as_a_whole() -> None:
    values = delays()
    values[24 * 31 + 8 : 24 * 31 + 22, 0] *= 2.2
    assert [one for one in last_days(values).incidents if one.causes[0].dimensions == {}] == []


def test_bad_days_in_a_row_are_one_incident() -> None:
    values = delays()
    for day in (31, 32):
        values[24 * day + 8 : 24 * day + 22] *= 3
    (incident,) = last_days(values).incidents
    assert incident.start < START + 32 * DAY < incident.end


def test_a_calendar_says_which_days_are_no_bad_days() -> None:
    values = delays()
    values[24 * 32 : 24 * 33] /= 2.5  # Christmas
    assert last_days(values, "US").incidents == ()
    assert [one.direction for one in last_days(values).incidents] == ["down"]


@pytest.fixture(scope="module")
def two_bad_days() -> tuple[np.ndarray, list[Incident]]:
    """Delays with two bad days, and the incidents that are found without a restart."""
    values = delays()
    for day in (31, 32):
        values[24 * day + 8 : 24 * day + 22] *= 2.5
    return values, incidents_of(last_days(values))


@pytest.mark.parametrize("cut", [24 * 31 + 10, 24 * 31 + 15, 24 * 32 + 3])
def test_a_day_goes_on_after_a_restart(two_bad_days: tuple[np.ndarray, list[Incident]], cut: int) -> None:
    values, whole = two_bad_days
    monitor, found = Monitor.load(learned("JP")), {}
    for first, last in ((LEARNED, cut), (cut, len(values))):
        found |= {one.id: one for one in observe(monitor, values, first, last).incidents}
        monitor = Monitor.load(monitor.save())
    assert list(found.values()) == whole


def test_a_new_timetable_is_told_once() -> None:
    hours = np.arange(24 * 7 * 8)
    flights = np.random.default_rng(3).poisson(100, (len(hours), 3)).astype(float)
    changed = (hours % 168 == 30) & (hours >= 168 * 4)
    flights[changed] = np.random.default_rng(4).poisson(50, (int(changed.sum()), 3))
    told = [(one.start - START) // HOUR for one in incidents_of(observe(monitor_of(), flights))]
    assert told == [168 * 4 + 30]


def test_a_huge_value_before_the_start_is_forgotten() -> None:
    values = np.random.default_rng(0).poisson(50, (24 * 30, 3)).astype(float)
    values[5:30, 2] = 1e38
    assert observe(monitor_of(), values).incidents == ()


@pytest.mark.parametrize("seed", [2, 4])
def test_the_worst_day_of_a_bad_week_is_told_though_bad_days_are_expected_by_then(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = 10_000 * np.exp(rng.normal(0, 0.5, (100, 1)) + rng.normal(0, 0.1, (100, 3)))
    usual = values.mean()
    values[88:95] = 2 * usual * np.exp(rng.normal(0, 0.05, (7, 3)))
    values[95] = max(1.1 * values.sum(axis=1).max() / 3, 2.5 * usual)
    block = Block(START, values[np.newaxis].astype(np.float32), AIRPORTS)
    found = Monitor(Settings(DAY, (Measure("delay"),), ("airport",))).observe(block).incidents
    assert [(one.start - START) // DAY for one in incidents_of(Outcome((), found, None)) if one.end >= START + 88 * DAY] == [95]
