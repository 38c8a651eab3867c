"""The detector as a whole: one set of numbers however the data arrives, and what it finds."""

from dataclasses import fields

import numpy as np
import pytest
from detection_series import START, settings, traffic
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l4m.engine import detector as module
from l4m.engine.detector import Detector
from l4m.engine.scores import Scores
from l4m.model import Direction

HARD = st.one_of(
    st.just(np.nan), st.just(0.0), st.just(7.0), st.just(1e15), st.just(-1e15), st.floats(-1e6, 1e6, width=32), st.just(np.inf)
)


def same(one: Scores, other: Scores, rtol: float = 0.0) -> None:
    for field in fields(Scores):
        np.testing.assert_allclose(getattr(one, field.name), getattr(other, field.name), rtol=rtol, err_msg=field.name)


def part(scores: Scores, rows: slice) -> Scores:
    return Scores(**{field.name: getattr(scores, field.name)[rows] for field in fields(Scores)})


def run(values: np.ndarray, interval: int = 3600, start: int = START, **options: object) -> Scores:
    return Detector(settings(interval, **options), values.shape[1]).run(values, start)


def gappy(days: int = 20) -> np.ndarray:
    values = traffic(days, series=5)
    values[100:130, 1] = np.nan
    values[:, 2] = np.nan
    values[: 24 * 6, 3] = np.nan
    values[300:304, 4] = 0
    return values


def test_prefix_has_the_scores_of_the_whole() -> None:
    values = gappy()
    same(run(values[:333]), part(run(values), slice(333)))


def test_steps_and_run_give_the_same_numbers() -> None:
    values = gappy()
    detector = Detector(settings(), values.shape[1])
    steps = [detector.step(row, START + i * 3600) for i, row in enumerate(values)]
    same(Scores(**{f.name: np.stack([getattr(s, f.name) for s in steps]) for f in fields(Scores)}), run(values))


def test_saved_and_restored_detector_goes_on_with_the_same_numbers() -> None:
    values = gappy()
    first = Detector(settings(), values.shape[1])
    first.run(values[:250], START)
    saved = {name: array.copy() for name, array in first.to_arrays().items()}
    restored = Detector.from_arrays(settings(), saved)
    same(restored.run(values[250:], START + 250 * 3600), part(run(values), slice(250, None)))


def test_blocks_and_order_of_series_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    values = gappy()
    whole = run(values)
    monkeypatch.setattr(module, "BLOCK", 1)
    monkeypatch.setattr(module, "WORTHWHILE", 2)
    same(run(values), whole, rtol=1e-3)  # logarithms of a vector's remainder may differ in the last bit
    order = np.array([3, 0, 4, 2, 1])
    same(run(values[:, order]), Scores(**{f.name: getattr(whole, f.name)[:, order] for f in fields(Scores)}), rtol=1e-3)


def test_series_that_appear_later_leave_the_others_alone() -> None:
    values = gappy()
    detector = Detector(settings(), 3)
    detector.run(values[:200, :3], START)
    detector.grow(5)
    assert detector.series == 5
    later = detector.run(values[200:], START + 200 * 3600)
    np.testing.assert_allclose(later.severity[:, :3], run(values[:, :3]).severity[200:], rtol=1e-3)
    assert np.isnan(later.severity[:72, 3]).all()


@examples(max_examples=60, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(0, 4)), elements=HARD), st.sampled_from([300, 600, 3600, 86_400]))
def test_any_numbers_give_finite_expectations_and_severities_in_range(values: np.ndarray, interval: int) -> None:
    detector = Detector(settings(interval), values.shape[1])
    scores = detector.run(values, START)
    assert np.isfinite(scores.expected).all()
    assert np.isfinite(scores.upper).all()
    assert np.isfinite(scores.lower).all()
    known = scores.severity[~np.isnan(scores.severity)]
    assert ((known >= 0) & (known <= 100)).all()
    assert not (scores.is_anomaly & scores.missing).any()
    assert all(np.isfinite(array).all() for array in detector.to_arrays().values())


@pytest.mark.parametrize("constant", [0.0, 7.0, -3.0, 1e15])
def test_constant_series_is_never_anomalous(constant: float) -> None:
    scores = run(np.full((24 * 20, 2), constant, np.float32))
    assert not scores.is_anomaly.any()
    np.testing.assert_allclose(scores.expected[-1], constant, rtol=1e-5)


@pytest.mark.parametrize("interval", [300, 600, 3600, 86_400])
def test_state_of_a_series_stays_under_two_kilobytes(interval: int) -> None:
    arrays = Detector(settings(interval), 1).to_arrays()
    assert sum(array.nbytes for array in arrays.values()) <= 2048
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("factor", [0.3, 2.5])
def test_event_is_anomalous_from_its_first_to_its_last_interval(factor: float) -> None:
    values = traffic(30)
    values[600:612, 1] *= factor
    scores = run(values)
    assert scores.is_anomaly[600:612, 1].all()
    assert not scores.is_anomaly[614:, 1].any()
    assert not scores.is_anomaly[560:, [0, 2]].any()


def test_expected_value_inside_an_event_is_the_one_from_before_it() -> None:
    values = traffic(30)
    usual = values[600:612, 1].copy()
    values[600:612, 1] *= 0.3
    np.testing.assert_allclose(run(values).expected[600:612, 1], usual, rtol=0.25)


def test_slow_ramp_is_found() -> None:
    values = traffic(30)
    values[600:660, 0] *= np.linspace(1, 0.3, 60, dtype=np.float32)
    assert run(values).is_anomaly[600:660, 0].any()


def test_lasting_change_becomes_the_new_normal() -> None:
    values = traffic(40)
    values[600:, 0] *= 2
    scores = run(values)
    assert scores.is_anomaly[600:606, 0].all()
    assert not scores.is_anomaly[600 + 24 * 7 :, 0].any()


def test_point_is_outside_its_band_exactly_when_it_is_an_anomaly() -> None:
    values = traffic(30)
    values[600:606, 1] *= 0.4
    scores = run(values)
    outside = (values > scores.upper) | (values < scores.lower)
    scored = ~np.isnan(scores.severity)
    np.testing.assert_array_equal(outside[scored], scores.is_anomaly[scored])


def test_direction_keeps_the_other_side_quiet() -> None:
    values = traffic(30)
    values[600:603, 1] *= 0.3
    values[650:653, 1] *= 3
    up, down = (run(values, direction=side).is_anomaly[:, 1] for side in (Direction.UP, Direction.DOWN))
    assert up[650:653].all()
    assert not up[600:603].any()
    assert down[600:603].all()
    assert not down[650:653].any()


def test_minimum_sizes_keep_small_deviations_quiet() -> None:
    values = traffic(30)
    values[600:603, 1] *= 0.6
    assert run(values).is_anomaly[600:603, 1].any()
    assert not run(values, minimum_relative=0.5).is_anomaly[600:603, 1].any()
    assert not run(values, minimum_absolute=5000.0).is_anomaly[600:603, 1].any()


def test_higher_sensitivity_reports_at_least_as_much() -> None:
    values = traffic(40, series=10)
    low, middle, high = (run(values, sensitivity=s).is_anomaly.sum() for s in (0.0, 50.0, 100.0))
    assert low <= middle <= high
    assert high > low


@pytest.mark.parametrize(("interval", "days"), [(300, 14), (3600, 120), (86_400, 700)])
def test_quiet_series_reach_severity_fifty_at_most_about_once_a_week(interval: int, days: int) -> None:
    series = 20 if interval < 86_400 else 300
    severity = run(traffic(days, series, interval, seed=9), interval).severity
    later = severity[len(severity) // 2 :]
    weekly = {least: np.mean(later >= least) * 7 * 86_400 / interval for least in (30, 50, 70)}
    assert weekly[30] > 0.3
    assert weekly[50] < 1.5
    assert weekly[70] < 1.5 * 7 / 30
