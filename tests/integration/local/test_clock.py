"""Schedules: when cron, rate and one-time expressions are due."""

from datetime import UTC, datetime, timedelta

import pytest

from localaws.clock import is_due, parse_cron


def due(expression, start, hours, zone="UTC"):
    minutes = (start + timedelta(minutes=number) for number in range(hours * 60))
    return [minute.strftime("%d %H:%M") for minute in minutes if is_due(expression, minute, zone)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 * * * ? *)", ["01 00:00", "01 01:00", "01 02:00"]),
        ("cron(0/30 1 * * ? *)", ["01 01:00", "01 01:30"]),
        ("cron(5,10-12 2 ? * TUE *)", ["01 02:05", "01 02:10", "01 02:11", "01 02:12"]),
        ("cron(0 0 ? * MON-WED *)", ["01 00:00"]),
        ("cron(0 0 2 * ? *)", []),
        ("cron(0 0 ? JAN TUE 2013)", ["01 00:00"]),
        ("cron(0 0 ? JAN TUE 2014)", []),
        ("rate(1 hour)", ["01 00:00", "01 01:00", "01 02:00"]),
        ("rate(45 minutes)", ["01 00:00", "01 00:45", "01 01:30", "01 02:15"]),
        ("at(2013-01-01T01:07:30)", ["01 01:07"]),
    ],
)
def test_due_in_three_hours_of_a_tuesday(expression, expected):
    assert due(expression, datetime(2013, 1, 1, tzinfo=UTC), 3) == expected


def test_a_daily_schedule_follows_daylight_saving():
    march = datetime(2026, 3, 28, tzinfo=UTC)
    assert due("cron(30 6 * * ? *)", march, 72, "Europe/Berlin") == ["28 05:30", "29 04:30", "30 04:30"]


def test_the_last_day_of_the_month():
    assert due("cron(0 0 L * ? *)", datetime(2024, 2, 28, tzinfo=UTC), 48) == ["29 00:00"]


@pytest.mark.parametrize("expression", ["cron(0 * * * *)", "cron(x * * * ? *)", "every(hour)"])
def test_an_expression_that_is_not_understood_is_an_error(expression):
    with pytest.raises(ValueError):
        is_due(expression, datetime(2013, 1, 1, tzinfo=UTC), "UTC")


def test_any_minute_is_none():
    assert parse_cron("cron(* * * * ? *)").minutes is None
