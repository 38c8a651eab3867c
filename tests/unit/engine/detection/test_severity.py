"""What severities and sensitivities mean at every interval length."""

import numpy as np
import pytest

from l4m.engine.detection.severity import severity_of, threshold_of

PER_DAY = (1, 24, 144, 288)
SURVIVAL_SCORES = np.linspace(0, 40, 2000, dtype=np.float32)


@pytest.mark.parametrize("per_day", PER_DAY)
def test_severity_grows_with_surprise_and_stays_within_its_scale(per_day: int) -> None:
    severities = severity_of(SURVIVAL_SCORES, per_day)
    assert (np.diff(severities) > 0).all()
    assert severities[0] == 0
    assert 90 < severities[-1] < 100


def test_same_surprise_is_less_severe_where_there_are_more_points_of_a_day() -> None:
    severities = np.stack([severity_of(SURVIVAL_SCORES[1:], per_day) for per_day in PER_DAY])
    assert (np.diff(severities, axis=0) < 0).all()


@pytest.mark.parametrize("per_day", PER_DAY)
def test_anomaly_at_the_shipped_sensitivity_is_rarer_than_weekly_and_commoner_than_yearly(per_day: int) -> None:
    severity = severity_of(np.array([threshold_of(50, per_day)], np.float32), per_day)
    assert 50 < severity[0] < 90


def test_more_sensitive_detectors_ask_for_less() -> None:
    thresholds = [threshold_of(sensitivity, 24) for sensitivity in (0, 25, 50, 75, 100)]
    assert thresholds == sorted(thresholds, reverse=True)
    assert min(thresholds) > 0
