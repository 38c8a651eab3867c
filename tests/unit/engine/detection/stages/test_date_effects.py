"""Ends of months and quarters: what they do again and again is expected, what they did once is not."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.unit.engine.detection.detection_series import settings, traffic

from l4m.engine.detection.detector import Detector
from l4m.engine.detection.scores import Scores

START = datetime(2023, 1, 1, tzinfo=UTC)


def days_of(values: np.ndarray, interval: int) -> list[datetime]:
    return [START + timedelta(seconds=i * interval) for i in range(len(values))]


def is_last(day: datetime, months: tuple[int, ...] = tuple(range(1, 13))) -> bool:
    return day.month in months and (day + timedelta(days=1)).day == 1


def scored(values: np.ndarray, interval: int) -> Scores:
    return Detector(settings(interval), values.shape[1]).run(values, int(START.timestamp()))


@pytest.mark.parametrize(("interval", "days"), [(86_400, 420), (3600, 213)])
def test_last_day_of_the_month_that_is_always_busy_is_expected_to_be(interval: int, days: int) -> None:
    values = traffic(days, interval=interval)
    last = np.array([is_last(day) for day in days_of(values, interval)])
    values[last] *= 1.6
    found = scored(values, interval)
    learned = last & (np.arange(len(values)) > 0.6 * len(values))
    assert found.is_anomaly[learned].mean() < 0.05
    np.testing.assert_allclose(found.expected[learned].mean() / values[learned].mean(), 1, atol=0.05)


def test_quarter_ends_differently_from_a_month() -> None:
    values = traffic(900, interval=86_400)
    days = days_of(values, 86_400)
    quarter = np.array([is_last(day, (3, 6, 9, 12)) for day in days])
    month = np.array([is_last(day) for day in days]) & ~quarter
    values[month] *= 1.3
    values[quarter] *= 2.2
    found, late = scored(values, 86_400), np.arange(len(values)) > 500
    for kind in (month, quarter):
        np.testing.assert_allclose(found.expected[kind & late].mean() / values[kind & late].mean(), 1, atol=0.06)


def test_one_incident_at_the_end_of_a_month_is_not_expected_on_the_next() -> None:
    values = traffic(300, interval=86_400)
    ends = np.flatnonzero([is_last(day) for day in days_of(values, 86_400)])
    values[ends[5]] *= 0.3
    found = scored(values, 86_400)
    assert found.is_anomaly[ends[5]].all()
    assert not found.is_anomaly[ends[6:]].any()


def test_day_without_data_leaves_what_is_known_of_its_date() -> None:
    values = traffic(420, interval=86_400)
    ends = np.flatnonzero([is_last(day) for day in days_of(values, 86_400)])
    values[ends] *= 1.6
    values[ends[-2]] = np.nan
    assert not scored(values, 86_400).is_anomaly[ends[-1]].any()
