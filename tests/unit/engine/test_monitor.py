"""The monitor from values to incidents: golden incidents, one code path, saving, new leaves, silence and feedback."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from tests.unit.engine.shop import AVERAGE, HOUR, LEAVES, SETTINGS, START, block_of, learned, leaves_where, simulate

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import REASONS, Feedback

ONSET = 15 * 24 + 13  # the 16th day, 13:00


def drop(factor=0.4, first=ONSET, last=ONSET + 5, **place):
    def change(visits, price):
        visits[first:last, leaves_where(**place)] *= factor

    return change


def conversion(visits, price):
    price[ONSET : ONSET + 5, leaves_where(platform="web")] *= 0.4


def silence(visits, price):
    visits[ONSET : ONSET + 3, leaves_where(country="US")] = np.nan


def incidents_of(values):
    """What is found in the days from ``ONSET`` on, before which all values of a seed are the same."""
    return Monitor.load(learned(ONSET)).observe(block_of(values, ONSET)).incidents


@pytest.mark.parametrize(
    ("change", "cause", "kind", "direction", "measures"),
    [
        (drop(country="US"), {"country": "US"}, "value", "down", {"visits", "revenue"}),
        (drop(), {}, "value", "down", {"visits", "revenue"}),
        (drop(3.0, country="DE", platform="ios"), {"country": "DE", "platform": "ios"}, "value", "up", {"visits", "revenue"}),
        (conversion, {"platform": "web"}, "value", "down", {"revenue"}),
        (silence, {"country": "US"}, "missing", "down", {"visits", "revenue"}),
    ],
    ids=["country", "everything", "leaf", "conversion", "missing"],
)
def test_an_incident_is_reported_once_with_its_place_kind_and_extent(change, cause, kind, direction, measures):
    (incident,) = incidents_of(simulate(change=change))
    assert incident.causes[0].dimensions == cause
    assert (incident.kind, incident.direction, set(incident.measures)) == (kind, direction, measures)
    assert incident.start == START + ONSET * HOUR
    assert abs(incident.end - (START + (ONSET + (2 if kind == "missing" else 4)) * HOUR)) <= 2 * HOUR
    assert not incident.is_open
    assert 50 < incident.severity <= 100


def test_quiet_data_have_no_incident():
    assert Monitor(SETTINGS).observe(block_of(simulate(seed=5))).incidents == ()


def test_two_incidents_at_different_places_and_times_stay_apart():
    def change(visits, price):
        drop(country="US")(visits, price)
        drop(2.5, ONSET + 30, ONSET + 33, platform="tv")(visits, price)

    found = incidents_of(simulate(change=change))
    assert [one.causes[0].dimensions for one in found] == [{"country": "US"}, {"platform": "tv"}]


def test_a_feed_that_does_not_report_is_one_incident_of_everything():
    values = simulate()
    values[:, ONSET : ONSET + 2] = np.nan
    (incident,) = incidents_of(values)
    assert (incident.kind, incident.causes[0].dimensions) == ("missing", {})


def test_groups_are_one_per_measure_and_interval_and_name_their_incident():
    outcome = Monitor.load(learned(ONSET)).observe(block_of(simulate(change=drop(country="US")), ONSET))
    (incident,) = outcome.incidents
    keys = [(group.measure, group.start) for group in outcome.groups]
    assert len(keys) == len(set(keys))
    first = next(group for group in outcome.groups if group.start == incident.start and group.measure == "visits")
    assert first.incident_id == incident.id
    assert first.direction == "down"
    assert next(iter(first.contributions["country"].items()))[0] == "US"
    for shares in first.contributions.values():
        assert round(100 * sum(shares.values())) == 10_000
    assert {one.dimensions["country"] for one in first.series} == {"US"}


@pytest.fixture(scope="module")
def busy():
    """Values with an incident, and what a monitor says of all of them at once."""
    values = simulate(change=drop(country="US"))
    return values, Monitor(SETTINGS).observe(block_of(values), keep_points=True)


@given(st.lists(st.integers(1, 18 * 24 - 1), min_size=1, max_size=4, unique=True))
@limits(max_examples=3, deadline=None)
def test_any_cut_into_blocks_with_saving_in_between_gives_the_same(busy, cuts):
    values, whole = busy
    monitor, points, incidents, groups = Monitor(SETTINGS), [], {}, []
    for first, last in pairwise([0, *sorted(cuts), values.shape[1]]):
        outcome = monitor.observe(block_of(values, first, last), keep_points=True)
        points.append(outcome.points)
        incidents |= {one.id: one for one in outcome.incidents}
        groups += outcome.groups
        monitor = Monitor.load(monitor.save())
    for name in ("value", "expected", "lower", "upper", "severity", "is_anomaly"):
        joined = np.concatenate([getattr(one, name) for one in points], axis=1)
        np.testing.assert_array_equal(joined, getattr(whole.points, name), err_msg=name)
    assert tuple(incidents.values()) == whole.incidents
    assert groups == list(whole.groups)


def test_live_hours_through_an_incident_give_what_one_pass_gives(busy):
    values, whole = busy
    monitor, states = Monitor.load(learned(ONSET)), []
    for hour in range(ONSET, ONSET + 12):
        states += monitor.observe(block_of(values, hour, hour + 1)).incidents
        monitor = Monitor.load(monitor.save())
    assert len({one.id for one in states}) == 1
    assert states[0].is_open
    assert states[0].start == states[0].end == START + ONSET * HOUR
    assert states[-1] == whole.incidents[0]


def test_a_prefix_says_the_same_as_the_whole(busy):
    values, whole = busy
    prefix = Monitor(SETTINGS).observe(block_of(values, 0, ONSET + 1), keep_points=True)
    np.testing.assert_array_equal(prefix.points.severity, whole.points.severity[:, : ONSET + 1])
    assert [one.start for one in prefix.incidents] == [one.start for one in whole.incidents]


def test_the_order_of_leaves_in_a_block_does_not_matter(busy):
    values, whole = busy
    order = np.random.default_rng(3).permutation(len(LEAVES))
    shuffled = Block(START, values[:, :, order], [LEAVES[i] for i in order])
    assert Monitor(SETTINGS).observe(shuffled).incidents == whole.incidents


def test_leaves_that_appear_later_are_learned_and_do_not_alarm():
    values = simulate(seed=4)
    values[:, : 9 * 24, leaves_where(country="JP")] = np.nan
    monitor = Monitor(SETTINGS)
    early = monitor.observe(block_of(values, 0, 9 * 24))
    assert not any("JP" in leaf for leaf in monitor.leaves)
    monitor.observe(block_of(values, 9 * 24))
    assert set(monitor.leaves) == set(LEAVES)
    assert early.incidents == ()
    assert monitor.nodes[: 4 + 3 + 1] == tuple(monitor.nodes)[:8]


def test_averages_are_watched_and_their_silence_is_missing():
    rng = np.random.default_rng(2)
    values = rng.normal(100, 4, (1, 24 * 18, len(LEAVES))).astype(np.float32)
    values[:, ONSET : ONSET + 4, leaves_where(platform="tv")] *= 1.8
    values[:, ONSET + 40 : ONSET + 43, leaves_where(country="BR")] = np.nan
    found = Monitor(AVERAGE).observe(block_of(values)).incidents
    assert [(one.kind, one.direction, one.causes[0].dimensions) for one in found] == [
        ("value", "up", {"platform": "tv"}),
        ("missing", "down", {"country": "BR"}),
    ]


def test_without_dimensions_there_is_one_series():
    settings = dataclasses.replace(SETTINGS, dimensions=(), measures=SETTINGS.measures[:1])
    values = simulate(change=drop())[:1].sum(axis=2, keepdims=True)
    (incident,) = Monitor(settings).observe(Block(START, values, [()])).incidents
    assert incident.causes[0].dimensions == {}


def test_a_monitor_is_ready_after_its_cold_start():
    monitor = Monitor(SETTINGS)
    assert (monitor.is_ready, monitor.cold_start_left) == (False, 300)
    monitor.observe(block_of(simulate(), 0, 299))
    assert monitor.cold_start_left == 1
    monitor.observe(block_of(simulate(), 299, 300))
    assert monitor.is_ready


@pytest.mark.parametrize("extreme", [0.0, -5.0, 1e15, np.inf])
def test_strange_values_are_survived(extreme):
    values = simulate()
    values[:, 300:305, :3] = extreme
    outcome = Monitor.load(learned(300)).observe(block_of(values, 300), keep_points=True)
    assert np.isfinite(outcome.points.expected[:, 10:]).all()


FEEDBACK = Feedback("visits", {"country": "US"}, severity=99.0, direction="down")


def with_feedback(*feedback):
    """What is said of a drop in the visits of a country by a monitor that knows this feedback."""
    visits = simulate(change=drop(country="US"))[:1]
    return Monitor.load(learned(ONSET, measures=1)).observe(block_of(visits, ONSET), keep_points=True, feedback=feedback)


def test_feedback_suppresses_the_series_and_taking_it_back_brings_it_back():
    assert len(with_feedback().incidents) == 1
    suppressed = with_feedback(FEEDBACK)
    assert suppressed.incidents == ()
    named = [i for i, node in enumerate(suppressed.points.nodes) if node[0] == "US"]
    assert {REASONS[number] for number in np.unique(suppressed.points.reason[0, :5, named])} <= {"", "a user called the like no anomaly"}
    assert with_feedback().incidents[0].causes[0].dimensions == {"country": "US"}


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(FEEDBACK, direction="up"),
        dataclasses.replace(FEEDBACK, dimensions={"country": "DE"}),
        dataclasses.replace(FEEDBACK, severity=10.0),
        dataclasses.replace(FEEDBACK, measure="nothing"),
    ],
    ids=["other direction", "other series", "less severe", "other measure"],
)
def test_feedback_on_something_else_leaves_an_incident_alone(other):
    (incident,) = with_feedback(other).incidents
    assert incident.causes[0].dimensions == {"country": "US"}
