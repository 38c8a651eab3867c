"""Seasons and holidays: which rows an interval reads, and which days are let off."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.unit.engine.detection.detection_series import settings, traffic

from l4m.engine.detection.detector import Detector
from l4m.engine.seasonality.holidays import Calendar
from l4m.engine.seasonality.seasons import Seasons

BERLIN = ZoneInfo("Europe/Berlin")


def epoch(*when: int, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime(*when, tzinfo=zone).timestamp())  # type: ignore[arg-type]


def test_phases_follow_the_clock_of_the_time_zone_through_summer_time() -> None:
    seasons = Seasons(settings(timezone="Europe/Berlin"))
    assert [seasons.moment(epoch(2024, 3, day, 9)).phase for day in (30, 31)] == [9, 9]
    assert seasons.moment(epoch(2024, 4, 1, 9)).week == 9


@pytest.mark.parametrize(("interval", "rows"), [(300, 288), (600, 144), (3600, 24), (86_400, 7)])
def test_every_moment_lies_inside_the_rows(interval: int, rows: int) -> None:
    seasons = Seasons(settings(interval, timezone="Asia/Kathmandu"))
    assert seasons.rows["phases"] == rows
    moments = [seasons.moment(epoch(2024, 3, 1) + i * interval) for i in range(0, 8 * max(1, 86_400 // interval))]
    assert {m.phase for m in moments} == set(range(rows))
    assert max(m.week for m in moments) < seasons.rows["weeks"]
    assert max(m.hour for m in moments) < seasons.rows["hours"]


def test_special_days_count_beside_public_holidays() -> None:
    calendar = Calendar("DE", (date(2024, 11, 20),))
    assert calendar.holiday(date(2024, 10, 3)) == 1
    assert calendar.holiday(date(2024, 11, 20)) == 1
    assert 0 < calendar.holiday(date(2024, 11, 21)) < 1
    assert calendar.holiday(date(2024, 11, 25)) == 0
    assert Calendar(None, ()).holiday(date(2024, 12, 25)) == 0


def test_quiet_holiday_is_not_reported_with_the_calendar_on() -> None:
    start, values = epoch(2013, 6, 3, zone=ZoneInfo("UTC")), traffic(34)
    holiday = slice(31 * 24, 32 * 24)
    values[holiday] *= 0.7
    off, on = (Detector(settings(country=country), 3).run(values, start) for country in (None, "US"))
    assert off.is_anomaly[holiday].any()
    assert not on.is_anomaly[holiday].any()
    assert not on.is_anomaly[32 * 24 : 34 * 24].any()
    np.testing.assert_array_equal(off.is_anomaly[: 30 * 24], on.is_anomaly[: 30 * 24])
