"""Intervals on the clocks of timezones with daylight saving."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4m.errors import InvalidInput
from l4m.sources.tables.intervals import NONE, Clock

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham"]


def slot_of(local: datetime, clock: Clock) -> tuple[int, int]:
    """Both intervals of a local time."""
    seconds = int((local - datetime(1970, 1, 1)).total_seconds())
    once, again = clock.slots(seconds // clock.slot_seconds, 1, False)
    return int(once[0]), int(again[0])


def test_a_time_that_occurs_twice_has_two_intervals() -> None:
    clock = Clock(3600, "America/New_York")
    once, again = slot_of(datetime(2013, 11, 3, 1), clock)
    assert clock.start(once) == int(datetime(2013, 11, 3, 5, tzinfo=UTC).timestamp())
    assert again == once + 1


def test_a_time_that_never_occurs_is_read_with_the_offset_before_the_gap() -> None:
    clock = Clock(3600, "America/New_York")
    once, again = slot_of(datetime(2013, 3, 10, 2), clock)
    assert clock.start(once) == int(datetime(2013, 3, 10, 7, tzinfo=UTC).timestamp())
    assert again == NONE


def test_days_begin_at_the_zones_midnight_however_long_they_last() -> None:
    clock = Clock(86_400, "America/New_York")
    day = clock.number(int(datetime(2013, 3, 10, 12, tzinfo=UTC).timestamp()))
    assert clock.start(day + 1) - clock.start(day) == 23 * 3600
    assert clock.start(day) == int(datetime(2013, 3, 10, 5, tzinfo=UTC).timestamp())
    assert slot_of(datetime(2013, 11, 3, 1, 30), clock)[1] == NONE


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("interval", [300, 600, 3600, 86_400])
@given(moment=st.integers(0, 4_000_000_000))
@settings(max_examples=15, deadline=None)
def test_an_interval_holds_its_moment_and_its_local_time(zone: str, interval: int, moment: int) -> None:
    clock = Clock(interval, zone)
    number = clock.number(moment)
    assert clock.start(number) <= moment < clock.start(number + 1)
    local = datetime.fromtimestamp(moment, ZoneInfo(zone)).replace(tzinfo=None)
    if moment > 1_600_000_000:  # zones have kept to quarters of an hour since
        assert number in slot_of(local, clock)


def test_a_range_covers_whole_intervals() -> None:
    clock = Clock(3600, "Asia/Kolkata")
    start = int(datetime(2024, 1, 1, 0, 30, tzinfo=UTC).timestamp())
    first, end = clock.range(start, start + 7200)
    assert (clock.start(first), end - first) == (start, 2)


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(InvalidInput, match="Mars/Olympus"):
        Clock(3600, "Mars/Olympus").number(0)


def test_offsets_match_the_zone_database_all_year() -> None:
    clock, zone = Clock(3600, "Europe/Berlin"), ZoneInfo("Europe/Berlin")
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    while moment.year == 2024:
        local = moment.astimezone(zone).replace(tzinfo=None)
        assert clock.number(int(moment.timestamp())) in slot_of(local, clock)
        moment += timedelta(hours=1)
