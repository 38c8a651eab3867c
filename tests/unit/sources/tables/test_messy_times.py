"""Times as files have them: far-off ones, intervals that have only begun, data of another interval, weeks and months."""

import calendar
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from l4m.errors import InvalidInput
from l4m.model import Aggregation, Measure, TimestampColumn
from l4m.sources.tables.block_reader import count_leaves, read_block, read_table
from l4m.sources.tables.intervals import DAY
from l4m.sources.tables.long_intervals import EVEN_MONTH
from l4m.sources.tables.read_report import ReadReport
from l4m.sources.tables.table_spec import TableSpec

START = datetime(2025, 2, 3)
NAMES = {name: f"--{name}" for name in ("timestamp-format", "interval")}


def spec(seconds: int = 3600, pattern: str = "ISO", zone: str = "UTC", **changes: object) -> TableSpec:
    given = {"dimensions": ("shop",), "timezone": zone, "setting_names": NAMES}
    return TableSpec(TimestampColumn("at", pattern), (Measure("sold"),), seconds, **(given | changes))  # type: ignore[arg-type]


def write(folder: Path, times: Iterable[object], name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text("at,shop,sold\n" + "".join(f"{time},s{number % 2},{number % 7}\n" for number, time in enumerate(times)))
    return path


def hours(count: int, start: datetime = START, step: timedelta = timedelta(hours=1)) -> list[datetime]:
    return [start + number * step for number in range(count)]


def fault(report: ReadReport) -> tuple[str, int, int]:
    (found,) = report.faults
    return found.reason, found.count, found.line


@pytest.mark.parametrize("stray", ["1970-01-01 00:00:00", "1999-12-31 23:59:59", "2099-12-31", "2031-06-01 05:00:00", "2022-02-03"])
@pytest.mark.parametrize("place", [0, 1, 150, 300])
@pytest.mark.parametrize("seconds", [300, 3600, DAY])
def test_a_stray_time_is_set_aside(tmp_path: Path, stray: str, place: int, seconds: int) -> None:
    times: list[object] = list(hours(300, step=timedelta(seconds=seconds)))
    expected, _ = read_block([write(tmp_path, times)], spec(seconds))
    times[place:place] = [stray]
    path = tmp_path / "y.csv"
    lines = (tmp_path / "x.csv").read_text().splitlines()
    path.write_text("\n".join([*lines[: place + 1], f"{stray},s0,1", *lines[place + 1 :]]))
    block, report = read_block([path], spec(seconds))
    assert fault(report) == ("timestamp is far from all others", 1, place + 2)
    assert report.faults[0].sample == stray
    np.testing.assert_array_equal(block.values, expected.values)
    population, _ = count_leaves([path], spec(seconds))
    assert (population.start, len(population.occupied)) == (block.start, block.values.shape[1])


def test_many_rows_of_one_stray_time_are_counted(tmp_path: Path) -> None:
    times = [time if number % 3 else 0 for number, time in enumerate(hours(400))]
    times = [int((time - datetime(1970, 1, 1)).total_seconds()) if isinstance(time, datetime) else time for time in times]
    _, report = read_block([write(tmp_path, times)], spec(pattern="UNIX"))
    assert fault(report) == ("timestamp is far from all others", 134, 2)


def test_stray_times_of_parquet_are_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    rows = "SELECT TIMESTAMP '2024-01-01' + range * INTERVAL 1 HOUR AS at, 'a' AS shop, 1.0 AS sold FROM range(500)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows} UNION ALL SELECT TIMESTAMP '1970-01-01', 'b', 2) TO '{path}'")
    block, report = read_block([path], spec())
    assert (block.values.shape, fault(report)[:2]) == ((1, 500, 1), ("timestamp is far from all others", 1))


def test_a_day_far_from_a_short_bulk_is_set_aside_and_a_pause_is_not(tmp_path: Path) -> None:
    year_before = [*hours(3, START - timedelta(days=365)), *hours(24 * 20)]
    block, report = read_block([write(tmp_path, year_before)], spec())
    assert (block.values.shape[1], fault(report)) == (480, ("timestamp is far from all others", 3, 2))
    paused = [*hours(24 * 30), *hours(24 * 30, START + timedelta(days=75))]
    block, report = read_block([write(tmp_path, paused)], spec())
    assert (block.values.shape[1], report.faults) == (24 * 105, ())


def test_files_in_any_order_of_time_are_read_whole(tmp_path: Path) -> None:
    parts = [write(tmp_path, hours(300, START + timedelta(days=days), timedelta(days=1)), f"{days}.csv") for days in (1200, 0, 600)]
    block, report = read_block(parts, spec(DAY))
    assert (block.values.shape[1], report.faults, report.rows_used) == (1500, (), 900)


def test_times_decades_apart_with_nothing_between_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no row for \d\d years after 1975"):
        read_block([write(tmp_path, [*hours(200, datetime(1975, 1, 1)), *hours(200)])], spec())


def test_rows_outside_a_range_cost_no_memory_however_far_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, ["1970-01-01", *hours(5), "2150-01-01"])
    start = int(START.replace(tzinfo=UTC).timestamp())
    block, report = read_block([path], spec(300), start, start + 3 * 3600)
    assert (block.values.shape[1], report.rows_used, report.rows_outside) == (36, 3, 4)


@pytest.mark.parametrize(
    ("seconds", "step", "rows", "until"),
    [
        (3600, timedelta(minutes=5), 12 * 40 + 2, timedelta(hours=40, minutes=10)),
        (3600, timedelta(minutes=1), 60 * 40 + 31, timedelta(hours=40, minutes=35)),
        (3600, timedelta(minutes=10), 6 * 40 + 5, timedelta(hours=40, minutes=45)),
        (DAY, timedelta(hours=1), 24 * 9 + 13, timedelta(days=9, hours=12, minutes=15)),
        (300, timedelta(seconds=30), 10 * 50 + 4, timedelta(minutes=250, seconds=100)),
        (900, timedelta(minutes=1), 15 * 50 + 3, timedelta(minutes=752, seconds=30)),
    ],
)
def test_a_last_interval_that_has_only_begun_is_left_out(
    tmp_path: Path, seconds: int, step: timedelta, rows: int, until: timedelta
) -> None:
    times = [*hours(rows, step=step)]
    block, report = read_block([write(tmp_path, times)], spec(seconds))
    whole = (rows - 1) * int(step.total_seconds()) // seconds
    assert block.values.shape[1] == whole
    assert report.begun is not None
    assert report.begun.start == int(START.replace(tzinfo=UTC).timestamp()) + whole * seconds
    assert report.begun.until == int((START + until).replace(tzinfo=UTC).timestamp())
    population, _ = count_leaves([write(tmp_path, times)], spec(seconds))
    assert len(population.occupied) == whole


def test_a_leaf_that_appears_in_a_begun_interval_is_left_out_with_it(tmp_path: Path) -> None:
    path = write(tmp_path, hours(12 * 30 + 2, step=timedelta(minutes=5)))
    path.write_text(path.read_text() + f"{START + timedelta(hours=30, minutes=5)},new,1\n")
    block, _ = read_block([path], spec())
    assert sorted(block.leaves) == [("s0",), ("s1",)]


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=20)])
def test_a_last_interval_that_is_whole_stays(tmp_path: Path, step: timedelta) -> None:
    count = int(timedelta(hours=50) / step)
    _, report = read_block([write(tmp_path, hours(count, step=step))], spec())
    assert report.begun is None


def test_sparse_events_are_no_begun_interval(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    begun = 0
    for trial in range(40):
        times = sorted(START + timedelta(seconds=int(second)) for second in rng.uniform(0, 3600 * 200, 400))
        begun += read_block([write(tmp_path, times, f"{trial}.csv")], spec())[1].begun is not None
    assert begun <= 6  # the last hour ends early by chance in some


def months(day: Callable[[int, int], int], count: int = 30, step: int = 1) -> list[date]:
    return [date(2021 + n // 12, n % 12 + 1, day(2021 + n // 12, n % 12 + 1)) for n in range(0, count * step, step)]


def last_day(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def last_weekday(year: int, month: int) -> int:
    day = date(year, month, last_day(year, month))
    return (day - timedelta(days=max(0, day.weekday() - 4))).day


@pytest.mark.parametrize(
    ("times", "seconds", "comes", "interval"),
    [
        (months(lambda y, m: 1), DAY, "month", "P1M"),
        (months(last_day), DAY, "month", "P1M"),
        (months(last_weekday), DAY, "month", "P1M"),
        (months(lambda y, m: 15, 8), 3600, "month", "P1M"),
        (months(last_day, 12, 3), DAY, "quarter", "P3M"),
        (months(lambda y, m: 1, 5, 12), DAY, "year", "P12M"),
        (hours(40, step=timedelta(days=7)), DAY, "7 days", "P7D"),
        ([time + timedelta(days=number % 9 == 4) for number, time in enumerate(hours(40, step=timedelta(days=7)))], DAY, "7 days", "P7D"),
        (hours(40, step=timedelta(days=14)), DAY, "14 days", "P14D"),
        (hours(30, step=timedelta(days=28)), DAY, "28 days", "P28D"),
        (hours(40, step=timedelta(days=1)), 3600, "1 day", "P1D"),
        (hours(200, step=timedelta(hours=3)), 3600, "3 hours", "PT3H"),
        (hours(200, step=timedelta(minutes=15)), 300, "15 minutes", "PT15M"),
    ],
)
def test_data_of_another_interval_are_refused_as_what_they_are(
    tmp_path: Path, times: list[object], seconds: int, comes: str, interval: str
) -> None:
    with pytest.raises(InvalidInput, match=f"rows come every {comes} .*; --interval {interval} reads it"):
        read_block([write(tmp_path, times)], spec(seconds))


@pytest.mark.parametrize(
    "times",
    [
        [time for time in hours(24 * 60) if 9 <= time.hour < 17],
        [time for time in hours(24 * 60) if time.weekday() < 5 and 9 <= time.hour < 17],
        [time for time, draw in zip(hours(2000), np.random.default_rng(1).random(2000), strict=True) if draw < 0.2],
        [*hours(300), *hours(300, START + timedelta(days=45))],
    ],
)
def test_gaps_of_business_are_no_other_interval(tmp_path: Path, times: list[datetime]) -> None:
    read_block([write(tmp_path, times)], spec())


def test_business_days_are_days(tmp_path: Path) -> None:
    read_block([write(tmp_path, [time for time in hours(200, step=timedelta(days=1)) if time.weekday() < 5])], spec(DAY))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_months_of_the_calendar_are_intervals(tmp_path: Path, zone: str) -> None:
    times = [time for time in hours(365 * 2, datetime(2023, 1, 1), timedelta(days=1)) if time < datetime(2024, 9, 1)]
    table = read_table([write(tmp_path, times)], spec(EVEN_MONTH, zone=zone, interval_months=1))
    assert table.block.values.shape == (1, 20, 2)
    assert table.block.values.sum() == sum(number % 7 for number in range(len(times)))
    first = table.clock.from_even(table.block.start)
    starts = [datetime.fromtimestamp(table.clock.start(first + number), UTC).date() for number in range(3)]
    assert [(start + timedelta(days=1)).month for start in starts] == [1, 2, 3]
    assert table.clock.even_start(first + 1) - table.clock.even_start(first) == EVEN_MONTH
    assert table.report.begun is None


@pytest.mark.parametrize("weekday", range(7))
def test_weeks_begin_on_the_day_that_the_data_have(tmp_path: Path, weekday: int) -> None:
    begin = datetime(2024, 1, 1) + timedelta(days=weekday)
    table = read_table([write(tmp_path, hours(30, begin, timedelta(days=7)))], spec(7 * DAY))
    assert table.block.values.shape[1] == 30
    first = table.clock.from_even(table.block.start)
    assert table.clock.start(first) == int(begin.replace(tzinfo=UTC).timestamp())


def test_weeks_of_days_begin_on_monday_and_one_that_has_only_begun_is_left_out(tmp_path: Path) -> None:
    table = read_table([write(tmp_path, hours(7 * 12 + 3, datetime(2024, 1, 1), timedelta(days=1)))], spec(7 * DAY))
    assert table.block.values.shape[1] == 12
    assert table.report.begun is not None
    assert datetime.fromtimestamp(table.report.begun.start, UTC).date() == date(2024, 3, 25)


def test_averages_of_weeks_are_those_of_their_rows(tmp_path: Path) -> None:
    wanted = TableSpec(TimestampColumn("at", "ISO"), (Measure("sold", Aggregation.AVG),), 7 * DAY)
    table = read_table([write(tmp_path, hours(7 * 24 * 3, datetime(2024, 1, 1)))], wanted)
    np.testing.assert_allclose(table.block.values[0, :, 0], 3.0)


def test_days_and_months_that_were_swapped_are_refused_as_a_whole(tmp_path: Path) -> None:
    times = [f"{time:%d/%m/%Y %H:%M}" for time in hours(24 * 40)]
    with pytest.raises(InvalidInput, match=r"'MM/dd/yyyy HH:mm' does not read '13/02/2025 00:00'.*--timestamp-format 'dd/MM/yyyy HH:mm'"):
        read_block([write(tmp_path, times)], spec(pattern="MM/dd/yyyy HH:mm"))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("2025-02-03 05:00:00 PST", "names of zones such as PST are not unique"),
        ("03.02.2025 05:00", "--timestamp-format 'dd.MM.yyyy HH:mm' reads it"),
        ("45691.2083", "--timestamp-format EXCEL reads it"),
        ("02/03/2025 5:00 PM", "--timestamp-format 'MM/dd/yyyy hh:mm a' reads it"),
        ("2025-02-30 05:00:00", "there is no such day or time"),
        ("soon", ""),
    ],
)
def test_a_time_that_is_not_read_comes_with_what_reads_it(tmp_path: Path, text: str, remedy: str) -> None:
    _, report = read_block([write(tmp_path, [*hours(200), text])], spec())
    assert fault(report) == ("timestamp cannot be parsed", 1, 202)
    assert report.faults[0].remedy.startswith(remedy)
    assert bool(report.faults[0].remedy) == bool(remedy)


def test_hours_that_clocks_skip_and_repeat_are_told(tmp_path: Path) -> None:
    spring, autumn = datetime(2025, 3, 30), datetime(2025, 10, 26)
    for begin, reason in ((spring, "local time does not exist"), (autumn, "local time occurs twice")):
        _, report = read_block([write(tmp_path, hours(24, begin))], spec(zone="Europe/Berlin"))
        (found,) = report.faults
        assert (found.reason.startswith(reason), found.count, found.line, found.is_change) == (True, 1, 4, True)
        assert report.rows_used == 24
