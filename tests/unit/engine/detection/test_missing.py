"""Silence: a series that should have reported is missing, one that never did so regularly is not."""

import numpy as np
from detection_series import START, settings, traffic

from l4m.engine.detector import Detector


def missing(values: np.ndarray, **options: object) -> np.ndarray:
    return Detector(settings(**options), values.shape[1]).run(values, START).missing


def test_regular_series_that_falls_silent_is_missing_until_it_has_ended() -> None:
    values = traffic(30)
    values[600:, 1] = np.nan
    gone = missing(values)
    assert gone[601:640, 1].all()
    assert not gone[660:, 1].any()
    assert not gone[:, [0, 2]].any()


def test_series_that_returns_is_not_missing_any_more() -> None:
    values = traffic(30)
    values[600:606, 1] = np.nan
    gone = missing(values)
    assert gone[602:606, 1].all()
    assert not gone[606:, 1].any()


def test_nights_without_rows_are_not_missing() -> None:
    values = traffic(40)
    values[np.arange(len(values)) % 24 < 5] = np.nan
    values[960 - 24 * 3 + 10 : 960 - 24 * 3 + 14, 0] = np.nan
    gone = missing(values)
    assert gone[960 - 24 * 3 + 11 : 960 - 24 * 3 + 14, 0].all()
    assert not gone[np.arange(len(values)) % 24 < 5].any()


def test_sparse_series_and_series_that_never_reported_are_not_missing() -> None:
    values = traffic(40)
    values[np.random.default_rng(2).random(len(values)) < 0.5, 0] = np.nan
    values[:, 1] = np.nan
    gone = missing(values)
    assert not gone[:, :2].any()
