"""Silence: a series that should have reported is missing, one that never did so regularly is not."""

import numpy as np
import pytest
from tests.unit.engine.detection.detection_series import START, settings, traffic

from l4m.engine.detection.detector import Detector

SILENT, BACK, NIGHTLY, SPARSE, NEVER, REGULAR = range(6)


@pytest.fixture(scope="module")
def missing() -> np.ndarray:
    """Which hours of forty days the detector misses of series that are silent, each in a way of its own."""
    values = traffic(40, series=6)
    values[600:, SILENT] = np.nan
    values[600:606, BACK] = np.nan
    values[np.arange(len(values)) % 24 < 5, NIGHTLY] = np.nan
    values[960 - 24 * 3 + 10 : 960 - 24 * 3 + 14, NIGHTLY] = np.nan
    values[np.random.default_rng(2).random(len(values)) < 0.5, SPARSE] = np.nan
    values[:, NEVER] = np.nan
    return Detector(settings(), values.shape[1]).run(values, START).missing


def test_regular_series_that_falls_silent_is_missing_until_it_has_ended(missing: np.ndarray) -> None:
    assert missing[601:640, SILENT].all()
    assert not missing[660:, SILENT].any()


def test_series_that_reports_is_not_missing(missing: np.ndarray) -> None:
    assert not missing[:, REGULAR].any()


def test_series_that_returns_is_not_missing_any_more(missing: np.ndarray) -> None:
    assert missing[602:606, BACK].all()
    assert not missing[606:, BACK].any()


def test_nights_without_rows_are_not_missing(missing: np.ndarray) -> None:
    assert missing[960 - 24 * 3 + 11 : 960 - 24 * 3 + 14, NIGHTLY].all()
    assert not missing[np.arange(len(missing)) % 24 < 5, NIGHTLY].any()


def test_sparse_series_and_series_that_never_reported_are_not_missing(missing: np.ndarray) -> None:
    assert not missing[:, [SPARSE, NEVER]].any()
