"""Times as users write them: every accepted format names the same moment."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4m.errors import InvalidInput
from l4m.sources.tables.timestamps import check_format, time_expression

EPOCH = datetime(1970, 1, 1)
DATABASE = duckdb.connect()


def read(text: str | None, pattern: str, type_: str = "VARCHAR") -> tuple[datetime | None, bool]:
    """What the expression makes of one value: the time, and whether it is UTC."""
    time = time_expression("t", type_, pattern)
    query = f"SELECT {time.microseconds}, {time.is_utc} FROM (SELECT CAST(? AS {type_}) AS t)"
    ((us, is_utc),) = DATABASE.execute(query, [text]).fetchall()
    return (None if us is None else EPOCH + timedelta(microseconds=us)), bool(is_utc)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2013-02-08 05:07:09", datetime(2013, 2, 8, 5, 7, 9)),
        ("yyyy-MM-DD HH:mm", "2013-02-08 05:07", datetime(2013, 2, 8, 5, 7)),
        ("yyyy-DDD", "2013-039", datetime(2013, 2, 8)),
        ("yyyyMMddHH", "2013020805", datetime(2013, 2, 8, 5)),
        ("dd/MM/yy hh:mm:ss a", "08/02/13 12:30:00 AM", datetime(2013, 2, 8, 0, 30)),
        ("dd/MM/yy hh:mm:ss a", "08/02/13 12:30:00 pm", datetime(2013, 2, 8, 12, 30)),
        ("d MMM yyyy", "8 Feb 2013", datetime(2013, 2, 8)),
        ("EEE, d MMMM yyyy", "Fri, 8 February 2013", datetime(2013, 2, 8)),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2013-02-08T05:07:09.250", datetime(2013, 2, 8, 5, 7, 9, 250_000)),
        ("yyyy-MM-dd kk:mm", "2013-02-08 24:30", datetime(2013, 2, 8, 0, 30)),
        ("yyyy-MM-dd kk:mm", "2013-02-08 05:30", datetime(2013, 2, 8, 5, 30)),
        ("h 'o''clock' a yyyy/MM/dd", "5 o'clock PM 2013/02/08", datetime(2013, 2, 8, 17)),
        ("yyyy-MM-dd[ HH:mm]", "2013-02-08", datetime(2013, 2, 8)),
        ("yyyy-MM-dd[ HH:mm]", "2013-02-08 05:07", datetime(2013, 2, 8, 5, 7)),
        ("ISO", "2013-02-08T05:07:09", datetime(2013, 2, 8, 5, 7, 9)),
        ("ISO", "2013-02-08 05:07", datetime(2013, 2, 8, 5, 7)),
        ("ISO", "2013-02-08", datetime(2013, 2, 8)),
    ],
)
def test_local_times(pattern: str, text: str, expected: datetime) -> None:
    assert read(text, pattern) == (expected, False)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH:mm:ssX", "2013-02-08T05:00:00Z"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2013-02-08T07:00:00+02:00"),
        ("yyyy-MM-dd HH:mm:ss Z", "2013-02-08 00:00:00 -0500"),
        ("yyyy-MM-dd HH:mm z", "2013-02-08 00:00 EST"),
        ("ISO", "2013-02-08T05:00:00Z"),
        ("ISO", "2013-02-08 06:30:00+01:30"),
        ("ISO", "1360299600"),
        ("UNIX", "1360299600"),
        ("UNIX", "1360299600000"),
        ("UNIX", "1360299600.0"),
    ],
)
def test_times_that_carry_their_zone(pattern: str, text: str) -> None:
    assert read(text, pattern) == (datetime(2013, 2, 8, 5), True)


def test_unix_times_turn_into_milliseconds_above_the_documented_bound() -> None:
    assert read("94694400000", "UNIX")[0] == EPOCH + timedelta(seconds=94_694_400_000)
    assert read("94694400001", "UNIX")[0] == EPOCH + timedelta(milliseconds=94_694_400_001)


@pytest.mark.parametrize("text", ["", "yesterday", "2013-02-30 05:00:00", "2013-02-08", "2013-02-08 05:00:00 and more", None])
def test_what_is_not_in_the_pattern_is_no_time(text: str | None) -> None:
    assert read(text, "yyyy-MM-dd HH:mm:ss")[0] is None


@pytest.mark.parametrize(
    "pattern", ["HH:mm", "yyyy-MM-dd hh:mm", "yyyy-QQ", "yyyy[-MM", "yyyy]", "yyyy-MM-ddTHH", "yyyy-MM-dd[X]", "yyyy" + "[M]" * 5, ""]
)
def test_formats_that_cannot_work_are_refused_by_name(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="timestamp format"):
        check_format(pattern)


def test_four_optional_sections_are_tried_each_way() -> None:
    pattern = "yyyy[-MM][-dd][' ['HH][:mm]"
    check_format(pattern)
    assert read("2013-02-08 [05:30", pattern)[0] == datetime(2013, 2, 8, 5, 30)
    assert read("2013-02", pattern)[0] == datetime(2013, 2, 1)


@given(st.datetimes(datetime(1901, 1, 1), datetime(2199, 12, 31)).map(lambda time: time.replace(microsecond=0)))
@settings(max_examples=20, deadline=None)
def test_every_second_survives_the_way_through_a_pattern(time: datetime) -> None:
    assert read(time.strftime("%d.%m.%Y %H:%M:%S"), "dd.MM.yyyy HH:mm:ss") == (time, False)
    assert read(time.isoformat(), "ISO") == (time, False)
    assert read(time.replace(tzinfo=UTC).isoformat(), "ISO") == (time, True)


def test_a_native_column_needs_no_format() -> None:
    assert read("2013-02-08 05:00:00", "yyyy", "TIMESTAMP") == (datetime(2013, 2, 8, 5), False)
    assert read("2013-02-08 05:00:00+01:00", "yyyy", "TIMESTAMPTZ".replace("TZ", " WITH TIME ZONE")) == (datetime(2013, 2, 8, 4), True)
    assert read("2013-02-08", "ISO", "DATE") == (datetime(2013, 2, 8), False)
