"""Files of every format become the same block, and what is wrong with rows is counted and located."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4m.errors import InvalidInput
from l4m.model import Aggregation, CsvFormat, JsonFormat, Measure, TimestampColumn
from l4m.sources.tables.block_reader import TableSpec, read_block

START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
ROWS = [(f"2024-01-01 {hour:02d}:00:00", country, hour * 10 + n, 1.5) for hour in range(6) for n, country in enumerate(("US", "DE"))]
SPEC = TableSpec(TimestampColumn("ts", "ISO"), (Measure("views"), Measure("price", Aggregation.AVG)), 3600, ("country",))


def csv(rows: list[tuple[object, ...]] = ROWS, header: str = "ts,country,views,price\n") -> str:
    return header + "".join(",".join(map(str, row)) + "\n" for row in rows)


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def expected(tmp_path: Path) -> np.ndarray:
    return read_block([put(tmp_path, "expected.csv", csv())], SPEC)[0].values


def test_values_lie_where_their_rows_say(expected: np.ndarray) -> None:
    assert expected.shape == (2, 6, 2)
    assert expected[0, :, 0].tolist() == [1, 11, 21, 31, 41, 51]
    assert (expected[1] == 1.5).all()


def test_every_format_reads_the_same(tmp_path: Path, expected: np.ndarray) -> None:
    lines = "".join(json.dumps(dict(zip(("ts", "country", "views", "price"), row, strict=True))) + "\n" for row in ROWS)
    parquet = tmp_path / "data.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT ts::TIMESTAMP AS ts, country, views, price FROM '{put(tmp_path, 'a.csv', csv())}') TO '{parquet}'"
        )
    files = [
        put(tmp_path, "b.csv.gz", gzip.compress(csv().encode())),
        put(tmp_path, "c.json", lines),
        put(tmp_path, "d.jsonl.gz", gzip.compress(lines.encode())),
        put(tmp_path, "e.tsv", csv().replace(",", "\t")),
        put(tmp_path, "f [1]*.csv", csv()),
        parquet,
    ]
    for file in files:
        block, report = read_block([file], SPEC)
        assert block.start == START, file
        assert sorted(block.leaves) == [("DE",), ("US",)]
        assert np.array_equal(block.values, expected), file
        assert (report.rows, report.rows_used, report.series) == (12, 12, 2)


def test_csv_without_header_with_quotes_and_charset(tmp_path: Path) -> None:
    rows = [(row[0], f"'M;{row[1]}ü'", row[2], row[3]) for row in ROWS]
    path = put(tmp_path, "x.txt", ("".join(";".join(map(str, row)) + "\n" for row in rows)).encode("iso-8859-1"))
    form = CsvFormat("NONE", "ISO-8859-1", False, ";", ("ts", "country", "views", "price"), "'")
    block, _ = read_block([path], TableSpec(SPEC.timestamp, SPEC.measures, 3600, ("country",), format=form))
    assert sorted(block.leaves) == [("M;DEü",), ("M;USü",)]


def test_several_files_are_one_table_whatever_the_order_of_their_columns(tmp_path: Path, expected: np.ndarray) -> None:
    first = put(tmp_path, "1.csv", csv(ROWS[:5]))
    second = put(tmp_path, "2.csv", csv([(r[3], r[2], r[1], r[0]) for r in ROWS[5:]], "price,views,country,ts\n"))
    assert np.array_equal(read_block([first, second], SPEC)[0].values, expected)


def test_rows_of_one_cell_are_summed_or_averaged(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", csv([("2024-01-01 00:10:00", "US", 1, 1), ("2024-01-01 00:50:00", "US", 2, 4), *ROWS[2:]]))
    block, report = read_block([path], SPEC)
    assert block.values[:, 0, 0].tolist() == [3, 2.5]
    assert report.rows_merged == 1


def test_a_range_is_covered_exactly_and_rows_outside_are_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", csv())
    block, report = read_block([path], SPEC, START + 2 * 3600, START + 9 * 3600)
    assert (block.start, block.values.shape) == (START + 7200, (2, 7, 2))
    assert (report.rows_used, report.rows_outside) == (8, 4)
    assert np.isnan(block.values[:, 4:]).all()


@pytest.mark.parametrize("text", ["", "ts,country,views,price\n"])
def test_a_range_without_rows_is_a_block_without_values(tmp_path: Path, text: str) -> None:
    spec = TableSpec(SPEC.timestamp, SPEC.measures, 3600, ("country",), format=CsvFormat())
    block, report = read_block([put(tmp_path, "x.csv", text)], spec, START, START + 7200)
    assert (block.start, block.values.shape, report.rows) == (START, (2, 2, 0), 0)


def test_filters_keep_allowed_values(tmp_path: Path) -> None:
    spec = TableSpec(SPEC.timestamp, SPEC.measures, 3600, ("country",), filters={"country": ("DE", "O'Hara")})
    block, report = read_block([put(tmp_path, "x.csv", csv())], spec)
    assert (block.leaves, report.rows_filtered, report.rows_used) == ((("DE",),), 6, 6)


def test_faulty_rows_are_counted_and_located(tmp_path: Path) -> None:
    bad = [
        ("not a time", "US", 1, 1),
        ("", "US", 1, 1),
        ("2024-01-01 06:00:00", "", 1, 1),
        ("2024-01-01 07:00:00", "US", "many", 1),
        ("2024-01-01 07:00:00", "DE", "inf", 1),
        ("2024-01-01 08:00:00", "US", "1e300", "x"),
        ("2024-01-01 08:00:00", "US", "", 1),
        ("0013-01-01 08:00:00", "US", 1, 1),
        ("2024-01-01 08:00:00", "US"),
        ("2024-01-01 08:00:00", '"a\nb"', 1, 1),
        ("2024-01-01 08:00:00", "US", 1, 1, 1),
    ]
    _, report = read_block([put(tmp_path, "x.csv", csv([*ROWS, *bad]))], SPEC, names=["s3://shop/x.csv"])
    found = {(fault.reason, fault.column): (fault.count, fault.line, fault.sample) for fault in report.faults}
    assert found["timestamp cannot be parsed", "ts"] == (1, 14, "not a time")
    assert found["timestamp is missing", "ts"] == (1, 15, "")
    assert found["dimension is empty", "country"] == (1, 16, "")
    assert found["measure is not a finite number", "views"] == (3, 17, "many")
    assert found["measure is not a finite number", "price"] == (1, 19, "x")
    assert found["measure is empty", "views"] == (1, 20, "")
    assert found["timestamp is before 1900 or after 2200", "ts"] == (1, 21, "0013-01-01 08:00:00")
    assert found["line refused, missing columns", "views"][:2] == (1, 22)
    assert found["line refused, too many columns", ""][:2] == (1, 25)
    assert (report.rows, report.rows_invalid, report.rows_partial) == (23, 7, 3)
    assert {fault.file for fault in report.faults} == {"s3://shop/x.csv"}
    assert report.empty_values == {"ts": 1, "country": 1, "views": 1}


def test_faults_of_json_and_parquet_are_located_too(tmp_path: Path) -> None:
    good = '{"ts":"2024-01-01 00:00:00","country":"US","views":1,"price":2}\n'
    _, report = read_block([put(tmp_path, "x.json", good + "{broken\n\n" + good.replace("views", "view"))], SPEC)
    assert {(f.reason, f.column, f.line) for f in report.faults} == {
        ("line refused, not JSON", "", 2),
        ("measure is empty", "views", 4),
    }
    parquet = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT CASE WHEN range <> 3 THEN TIMESTAMP '2024-01-01' + range * INTERVAL 1 HOUR END ts, 'US' country, "
            f"CASE WHEN range = 5 THEN 'infinity'::DOUBLE ELSE 1 END views, 1.0 price FROM range(9)) TO '{parquet}'"
        )
    _, report = read_block([parquet], SPEC)
    assert {(f.reason, f.line) for f in report.faults} == {("timestamp is missing", 4), ("measure is not a finite number", 6)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("ts,country,views,price\n", "holds no rows"),
        ("ts,country,price\n2024-01-01,US,1\n", r"line 1, column views: does not exist; there are ts, country, price"),
        ("ts,country,views,views\n2024-01-01,US,1,2\n", "'views' stands there twice"),
        (csv([("x", "US", 1, 1), ("y", "US", 1, 1)]), r"line 2, column ts: timestamp cannot be parsed \('x'\); none of the 2 rows"),
        (csv([("2024-01-01", "US", "a", "b")]), r"line 2, column views: measure is not a finite number \('a'\)"),
        (csv([(f"2024-01-{day:02d}", "US", 1, 1) for day in range(1, 20)]), "rows come every 1 day"),
        (
            csv(
                [
                    *ROWS,
                    *((f"2024-01-01 {h}:00:00", "US", 1, 1) for h in range(6, 24)),
                    *((f"2024-02-{d:02d}", "US", 1, 1) for d in range(1, 25)),
                ]
            ),
            "rows come every 1 day from 2024-02-01",
        ),
    ],
)
def test_what_cannot_be_used_at_all_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_block([put(tmp_path, "x.csv", text)], SPEC)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    cut = put(tmp_path, "cut.csv.gz", gzip.compress(csv(ROWS * 300).encode())[:-40])
    for path in (cut, tmp_path / "absent.csv", put(tmp_path, "broken.parquet", b"PAR1 but no more than that")):
        with pytest.raises(InvalidInput, match=f"{path.name}: cannot be read"):
            read_block([path], SPEC)


def test_more_values_than_there_is_room_for_are_told_before_memory_runs_out(tmp_path: Path) -> None:
    path = put(tmp_path, "x.csv", csv([*ROWS, ("2023-12-01 00:00:00", "US", 1, 1)]))
    with pytest.raises(InvalidInput, match="is a timestamp far off"):
        read_block([path], SPEC, cell_limit=1_000)


def test_local_times_that_occur_twice_count_half_for_either_interval(tmp_path: Path) -> None:
    rows = [("2013-11-03 00:00:00", "US", 8, 3), ("2013-11-03 01:00:00", "US", 20, 3), ("2013-11-03 02:00:00", "US", 8, 3)]
    spec = TableSpec(SPEC.timestamp, SPEC.measures, 3600, ("country",), "America/New_York")
    block, report = read_block([put(tmp_path, "x.csv", csv(rows))], spec)
    assert block.values[:, :, 0].tolist() == [[8, 10, 10, 8], [3, 3, 3, 3]]
    second = block.start + 2 * 3600
    part, report = read_block([tmp_path / "x.csv"], spec, second, second + 3600)
    assert (part.values[:, 0, 0].tolist(), report.rows_outside) == ([10, 3], 2)


def test_days_follow_the_zones_midnight(tmp_path: Path) -> None:
    rows = [(f"2013-03-{day:02d} {hour:02d}:00:00", "US", 1, 1) for day in range(8, 13) for hour in range(24) if (day, hour) != (10, 2)]
    spec = TableSpec(SPEC.timestamp, SPEC.measures, 86_400, ("country",), "America/New_York")
    block, _ = read_block([put(tmp_path, "x.csv", csv(rows))], spec)
    assert block.values[0, :, 0].tolist() == [24, 24, 23, 24, 24]
    assert datetime.fromtimestamp(block.start, UTC) == datetime(2013, 3, 8, 5, tzinfo=UTC)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["a", "b", "c'", 'd"', "e,f", "*"]), st.integers(-(10**6), 10**6)),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=15, deadline=None)
def test_sums_match_a_plain_loop_whatever_the_order_of_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int]]
) -> None:
    path = tmp_path_factory.mktemp("loop") / "x.jsonl"
    path.write_text("".join(json.dumps({"t": START + 3600 * hour, "d": name, "v": value}) + "\n" for hour, name, value in rows))
    block, _ = read_block(
        [path], TableSpec(TimestampColumn("t", "UNIX"), (Measure("v"),), 3600, ("d",), format=JsonFormat()), START, START + 41 * 3600
    )
    sums: dict[tuple[int, str], int] = {}
    for hour, name, value in rows:
        sums[hour, name] = sums.get((hour, name), 0) + value
    assert {leaf[0] for leaf in block.leaves} == {name for _, name, _ in rows}
    for (hour, name), value in sums.items():
        assert block.values[0, hour, block.leaves.index((name,))] == np.float32(value)
    assert np.count_nonzero(~np.isnan(block.values)) == len(sums)


def test_sixty_thousand_series_of_ten_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    names = ", ".join(f"'v' || ((s // {3**n}) % 3) AS d{n}" for n in range(9))
    select = f"SELECT TIMESTAMP '2024-01-01' + h * INTERVAL 1 HOUR AS ts, {names}, 's' || s AS d9, s AS v"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select} FROM range(60000) a(s), range(3) b(h)) TO '{path}'")
    block, report = read_block([path], TableSpec(TimestampColumn("ts", "ISO"), (Measure("v"),), 3600, tuple(f"d{n}" for n in range(10))))
    assert (block.values.shape, report.rows_used) == ((1, 3, 60_000), 180_000)
    np.testing.assert_array_equal(block.values[0, 2], [int(leaf[9][1:]) for leaf in block.leaves])
