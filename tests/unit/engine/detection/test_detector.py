"""The detector as a whole: one set of numbers however the data arrives, and what it finds."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.unit.engine.detection.detection_series import START, settings, traffic

from l4m.engine.detection import detector as module
from l4m.engine.detection.detector import Detector
from l4m.engine.detection.scores import Scores
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
    return Detector(settings(interval, **options), values.shape[1]).run(values, start, bands=True)


def gappy(days: int = 16) -> np.ndarray:
    values = traffic(days, series=5)
    values[100:130, 1] = np.nan
    values[:, 2] = np.nan
    values[: 24 * 6, 3] = np.nan
    values[300:304, 4] = 0
    return values


@pytest.fixture(scope="module")
def whole() -> Scores:
    """What one run says of the series with gaps."""
    return run(gappy())


def test_prefix_has_the_scores_of_the_whole(whole: Scores) -> None:
    same(run(gappy()[:333]), part(whole, slice(333)))


@pytest.mark.parametrize("first", [2, 6])
def test_a_series_whose_first_values_are_equal_learns_its_season(first: int) -> None:
    values = traffic(21, series=1)
    values[:first] = values[0]
    scores = run(values)
    assert np.abs(scores.usual - values)[-72:].mean() < 0.05 * values.mean()
    assert scores.error[-72:].mean() < 0.1 * values.mean()


def test_steps_and_run_give_the_same_numbers(whole: Scores) -> None:
    values = gappy()
    detector = Detector(settings(), values.shape[1])
    steps = [detector.step(row, START + i * 3600, bands=True) for i, row in enumerate(values)]
    same(Scores(**{f.name: np.stack([getattr(s, f.name) for s in steps]) for f in fields(Scores)}), whole)


def test_saved_and_restored_detector_goes_on_with_the_same_numbers(whole: Scores) -> None:
    values = gappy()
    first = Detector(settings(), values.shape[1])
    first.run(values[:250], START)
    saved = {name: array.copy() for name, array in first.to_arrays().items()}
    restored = Detector.from_arrays(settings(), saved)
    same(restored.run(values[250:], START + 250 * 3600, bands=True), part(whole, slice(250, None)))


def test_blocks_and_order_of_series_do_not_matter(whole: Scores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    monkeypatch.setattr(module, "LINE", 1)
    monkeypatch.setattr(module, "WORTHWHILE", 2)
    order = np.array([3, 0, 4, 2, 1])  # two blocks of two and one of one
    expected = Scores(**{field.name: getattr(whole, field.name)[:, order] for field in fields(Scores)})
    same(run(gappy()[:, order]), expected, rtol=1e-3)  # logarithms of a vector's remainder may differ in the last bit


def test_series_that_appear_later_leave_the_others_alone(whole: Scores) -> None:
    values = gappy()
    detector = Detector(settings(), 3)
    detector.run(values[:200, :3], START)
    detector.grow(5)
    assert detector.series == 5
    later = detector.run(values[200:], START + 200 * 3600)
    np.testing.assert_allclose(later.severity[:, :3], whole.severity[200:, :3], rtol=1e-3)
    assert np.isnan(later.severity[:72, 3]).all()


@examples(max_examples=60, deadline=None)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(0, 4)), elements=HARD), st.sampled_from([300, 600, 3600, 86_400]))
def test_any_numbers_give_finite_expectations_and_severities_in_range(values: np.ndarray, interval: int) -> None:
    detector = Detector(settings(interval), values.shape[1])
    scores = detector.run(values, START, bands=True)
    assert np.isfinite(scores.expected).all()
    assert np.isfinite(scores.upper).all()
    assert np.isfinite(scores.lower).all()
    known = scores.severity[~np.isnan(scores.severity)]
    assert ((known >= 0) & (known <= 100)).all()
    assert not (scores.is_anomaly & scores.missing).any()
    assert all(np.isfinite(array).all() for array in detector.to_arrays().values())


def test_constant_series_is_never_anomalous() -> None:
    constants = np.array([0.0, 7.0, -3.0, 1e15], np.float32)
    scores = run(np.tile(constants, (24 * 20, 1)))
    assert not scores.is_anomaly.any()
    np.testing.assert_allclose(scores.expected[-1], constants, rtol=1e-5)


@pytest.mark.parametrize("interval", [300, 600, 3600, 86_400])
def test_state_of_a_series_stays_under_two_kilobytes(interval: int) -> None:
    arrays = Detector(settings(interval), 1).to_arrays()
    assert sum(array.nbytes for array in arrays.values()) <= 2048
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}


FALL, RISE, RAMP, STEP, SMALL, BOTH, QUIET = range(7)
ONSET = 24 * 17


@pytest.fixture(scope="module")
def usual() -> np.ndarray:
    """Thirty-two days on which nothing happens."""
    return traffic(32, series=7)


@pytest.fixture(scope="module")
def eventful(usual: np.ndarray) -> np.ndarray:
    """The same days with an event of its own in each series but the last."""
    values = usual.copy()
    values[ONSET : ONSET + 12, FALL] *= 0.3
    values[ONSET : ONSET + 12, RISE] *= 2.5
    values[ONSET : ONSET + 60, RAMP] *= np.linspace(1, 0.3, 60, dtype=np.float32)
    values[ONSET:, STEP] *= 2
    values[ONSET : ONSET + 3, SMALL] *= 0.6
    values[ONSET : ONSET + 3, BOTH] *= 0.3
    values[ONSET + 50 : ONSET + 53, BOTH] *= 3
    return values


@pytest.fixture(scope="module")
def scores(eventful: np.ndarray) -> Scores:
    """What the detector says of the events."""
    return run(eventful)


@pytest.mark.parametrize("series", [FALL, RISE])
def test_event_is_anomalous_from_its_first_to_its_last_interval(scores: Scores, series: int) -> None:
    assert scores.is_anomaly[ONSET : ONSET + 12, series].all()
    assert not scores.is_anomaly[ONSET + 14 : ONSET + 120, series].any()
    assert not scores.is_anomaly[ONSET - 40 : ONSET + 120, QUIET].any()


def test_expected_value_inside_an_event_is_the_one_from_before_it(scores: Scores, usual: np.ndarray) -> None:
    np.testing.assert_allclose(scores.expected[ONSET : ONSET + 12, FALL], usual[ONSET : ONSET + 12, FALL], rtol=0.25)


def test_slow_ramp_is_found(scores: Scores) -> None:
    assert scores.is_anomaly[ONSET : ONSET + 60, RAMP].any()


def test_lasting_change_becomes_the_new_normal(scores: Scores) -> None:
    assert scores.is_anomaly[ONSET : ONSET + 6, STEP].all()
    assert not scores.is_anomaly[ONSET + 24 * 7 :, STEP].any()


def test_point_is_outside_its_band_exactly_when_it_is_an_anomaly(scores: Scores, eventful: np.ndarray) -> None:
    outside = (eventful > scores.upper) | (eventful < scores.lower)
    scored = ~np.isnan(scores.severity)
    np.testing.assert_array_equal(outside[scored], scores.is_anomaly[scored])


def test_band_that_nobody_asked_for_is_drawn_of_anomalies_and_missing_points_alone(whole: Scores) -> None:
    values = gappy()
    scores, told = Detector(settings(), values.shape[1]).run(values, START), whole.is_anomaly | whole.missing
    assert (whole.is_anomaly.any(), whole.missing.any()) == (True, True)
    for name in ("lower", "upper"):
        np.testing.assert_allclose(getattr(scores, name), np.where(told, getattr(whole, name), 0), rtol=1e-5)


def test_direction_keeps_the_other_side_quiet(eventful: np.ndarray) -> None:
    up, down = (run(eventful[: ONSET + 53, [BOTH]], direction=side).is_anomaly[:, 0] for side in (Direction.UP, Direction.DOWN))
    assert up[ONSET + 50 : ONSET + 53].all()
    assert not up[ONSET : ONSET + 3].any()
    assert down[ONSET : ONSET + 3].all()
    assert not down[ONSET + 50 : ONSET + 53].any()


def test_minimum_sizes_keep_small_deviations_quiet(scores: Scores, eventful: np.ndarray) -> None:
    assert scores.is_anomaly[ONSET : ONSET + 3, SMALL].any()
    for least in ({"minimum_relative": 0.5}, {"minimum_absolute": 5000.0}):
        assert not run(eventful[: ONSET + 3, [SMALL]], **least).is_anomaly[ONSET : ONSET + 3].any()


def test_higher_sensitivity_reports_at_least_as_much() -> None:
    values = traffic(60, series=40)
    low, middle, high = (run(values, sensitivity=s).is_anomaly.sum() for s in (0.0, 50.0, 100.0))
    assert low <= middle <= high
    assert high > low


@pytest.mark.parametrize(("interval", "days", "series"), [(300, 10, 28), (3600, 60, 40), (86_400, 700, 300)])
def test_quiet_series_reach_severity_fifty_at_most_about_once_a_week(interval: int, days: int, series: int) -> None:
    severity = run(traffic(days, series, interval, seed=9), interval).severity
    later = severity[len(severity) // 2 :]
    weekly = {least: np.mean(later >= least) * 7 * 86_400 / interval for least in (30, 50, 70)}
    assert weekly[30] > 0.3
    assert weekly[50] < 1.5
    assert weekly[70] < 1.5 * 7 / 30


def test_a_state_of_an_earlier_version_begins_what_it_lacks_as_a_new_one() -> None:
    values = traffic(days=20, series=3)
    detector = Detector(settings(), series=3)
    detector.run(values, START)
    saved = detector.to_arrays()
    again = Detector.from_arrays(
        settings(), {name: array for name, array in saved.items() if name != "asymmetry"} | {"later": saved["later"]}
    )
    arrays = again.to_arrays()
    assert not arrays["asymmetry"].any()
    np.testing.assert_array_equal(arrays["daily"], saved["daily"])
    assert again.step(values[0], START + len(values) * 3600).severity.shape == (3,)
