"""`l4m backtest` on a database: the incidents that its rows have in a file, sums made there, nothing written and nothing told."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.unit.databases.conftest import server  # noqa: F401 - a fixture

from l4m.cli import main
from l4m.commands.database_data import is_database, parse_database
from l4m.errors import InvalidInput
from l4m.model import Aggregation, Measure, TimestampColumn
from l4m.sources.tables.block_reader import read_block
from l4m.sources.tables.intervals import Clock
from l4m.sources.tables.table_spec import TableSpec
from localaws.postgresql import PASSWORD, Server

ROWS = """SELECT ts, ts AT TIME ZONE 'Europe/Berlin' AS at, platform, country, views, NULLIF(views, 7) / 4.0 AS price FROM (
    SELECT t AS ts, p AS platform, c AS country,
        (20 + 10 * sin(extract(hour FROM t)) + (hashtext(t::text || p || c) % 5))::int
            * CASE WHEN p = 'web' AND t::date = '2024-04-20' THEN 4 ELSE 1 END AS views
    FROM generate_series(timestamp '2024-03-01 00:10', timestamp '2024-04-27 23:50', interval '20 minutes') AS t,
        unnest(ARRAY['web', 'it''s "app"']) AS p, unnest(ARRAY['DE', 'FR']) AS c) AS rows"""
OPTIONS = ["--measures", "views,price:avg", "--dimensions", "platform,country", "--interval", "PT1H", "--timezone", "Europe/Berlin"]


@pytest.fixture
def query(tmp_path: Path) -> Path:
    path = tmp_path / "query.sql"
    path.write_text(ROWS + ";\n", encoding="utf-8")
    return path


@pytest.fixture
def url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return f"postgresql://{server.secret['username']}@{server.host}:{server.port}/{server.secret['dbname']}?sslmode=disable"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["backtest", *arguments])


@pytest.mark.parametrize("time", ["ts", "at"])
def test_the_incidents_are_those_of_the_same_rows_in_a_file(url: str, query: Path, server: Server, time: str, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "rows.csv"
    with closing(server.connect()) as connection, file.open("wb") as out:
        connection.execute_simple("SET TIME ZONE 'UTC'")
        connection.execute_unnamed(f"COPY ({ROWS}) TO STDOUT WITH (FORMAT csv, HEADER)", stream=out)
    found = {}
    for name, data in (("file", [str(file)]), ("database", [url, "--query", str(query)])):
        target = tmp_path / f"{name}.json"
        done = run(*data, "--timestamp", time, *OPTIONS, "--incidents", str(target))
        assert done.exit_code == 0, done.output
        found[name] = json.loads(target.read_text(encoding="utf-8"))
    assert found["database"] == found["file"]
    assert found["file"]["incidents"]


@pytest.mark.parametrize("time", ["ts", "at"])
@pytest.mark.parametrize(
    ("interval", "zone"), [(1200, "UTC"), (3600, "Asia/Kolkata"), (14_400, "Europe/Berlin"), (86_400, "America/New_York")]
)
def test_intervals_come_out_as_if_every_row_had_been_read(
    url: str, query: Path, tmp_path: Path, time: str, interval: int, zone: str
) -> None:
    measures = (Measure("views"), Measure("price", Aggregation.AVG if interval != 14_400 else Aggregation.SUM))
    spec = TableSpec(TimestampColumn(time, "ISO"), measures, interval, ("platform", "country"), zone)
    database = parse_database((url,), query, 60)
    fetched = database.fetch(spec, datetime(2030, 1, 1, tzinfo=UTC), tmp_path, lambda rows: None)
    rows = tmp_path / "rows.csv"
    with closing(database.session.open(database.login)) as session, rows.open("wb") as out:
        session.copy(ROWS, ",", out.write)
    clock = Clock(interval, zone)
    first, end = (clock.start(clock.number(int(datetime(2024, *day, tzinfo=UTC).timestamp()))) for day in ((3, 3), (4, 25)))
    grouped, _ = read_block([fetched.path], fetched.spec, first, end)
    single, report = read_block([rows], spec, first, end)
    assert fetched.rows == report.rows
    assert fetched.groups < report.rows or interval == 1200
    assert (grouped.start, grouped.leaves) == (single.start, single.leaves)
    assert grouped.values.tobytes() == single.values.tobytes()


def test_the_interval_that_is_not_over_yet_is_left_out(url: str, query: Path, tmp_path: Path) -> None:
    spec = TableSpec(TimestampColumn("at", "ISO"), (Measure("views"),), 3600, (), "Europe/Berlin")
    now = datetime(2024, 4, 20, 10, 30, tzinfo=UTC)
    fetched = parse_database((url,), query, 60).fetch(spec, now, tmp_path, lambda rows: None)
    block, _ = read_block([fetched.path], fetched.spec)
    assert block.start + 3600 * block.values.shape[1] == datetime(2024, 4, 20, 10, tzinfo=UTC).timestamp()


def test_how_many_rows_stand_behind_the_sums_is_told(url: str, query: Path) -> None:
    done = run(url, "--query", str(query), "--timestamp", "ts", *OPTIONS)
    assert "16,704 rows of the database, added up there to 5,568" in done.output


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1 AS ts", "delivers no column 'views'; it has ts"),
        ("SELECT nothing FROM nowhere", 'relation "nowhere" does not exist'),
        ("DELETE FROM orders RETURNING *", "syntax error"),
        ("SELECT timestamp '2024-01-01' AS ts, lo_create(0)::int AS views, 1 AS price, '' AS platform, '' AS country", "read-only"),
        ("SELECT 1) AS x; DROP TABLE orders; --", "syntax error|cannot insert multiple commands"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_in_one_line(url: str, query: Path, server: Server, text: str, reason: str) -> None:  # noqa: F811
    query.write_text(text, encoding="utf-8")
    done = run(url, "--query", str(query), "--timestamp", "ts", *OPTIONS)
    assert done.exit_code == 2
    assert any(part in done.output for part in reason.split("|")), done.output
    assert server.run("SELECT count(*) FROM orders") == [[48]]


def test_a_query_that_takes_too_long_ends_in_time(url: str, query: Path) -> None:
    query.write_text(
        "SELECT timestamp '2024-01-01' AS ts, 1 AS views, 1 AS price, '' AS platform, pg_sleep(60)::text AS country", encoding="utf-8"
    )
    done = run(url, "--query", str(query), "--timestamp", "ts", *OPTIONS, "--timeout", "1")
    assert done.exit_code == 2
    assert "statement timeout" in done.output


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("postgresql://me:hush-hush@h/db", "export PGPASSWORD instead"),
        ("oracle://me@h/db", "oracle is not known; postgresql"),
        ("postgresql://h/db", "names no user"),
        ("postgresql://me@h", "names no database"),
        ("postgresql://me@h/db?password=hush-hush", "takes the options sslmode, sslrootcert only"),
        ("postgresql://me@h/db?sslmode=prefer", "'prefer' is none of verify-full"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(query: Path, given: str, reason: str) -> None:
    done = run(given, "--query", str(query), "--timestamp", "ts", *OPTIONS)
    assert done.exit_code == 2
    assert reason in done.output
    assert "hush-hush" not in done.output


def test_a_wrong_password_is_not_told(url: str, query: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "hush-hush")
    done: Any = run(url, "--query", str(query), "--timestamp", "ts", *OPTIONS)
    assert done.exit_code == 2
    assert "password authentication failed" in done.output
    assert "hush-hush" not in done.output


def test_a_database_needs_a_query_and_stands_alone() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_database(("postgresql://me@h/db", "shop.csv"), None, 60)
    assert [fault.field for fault in refused.value.faults] == ["data", "--query"]
    assert not is_database("shop.csv")
