"""The recipe for a new database, followed with a toy: DuckDB in memory, which crawls then treat like any other."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest
from tests.unit.connector.conftest import BUCKET, given  # noqa: F401 - a fixture
from tests.unit.connector.fakes import Clients, stored
from tests.unit.memory_bucket import MemoryBucket, MemorySecrets

from l4m.connector.crawl import Crawl
from l4m.connector.crawl_state import CrawlState
from l4m.connector.history import HistoryCrawl
from l4m.connector.live import LiveCrawl
from l4m.databases import registry
from l4m.databases.database import Target
from l4m.databases.registry import DATABASES
from l4m.databases.session import Kind, Login, Session, Writing
from l4m.databases.session_database import SessionDatabase
from l4m.databases.statements import StatementFailed

RECIPE = "ai_ops/docs/design/recipes/new-database.md"
NOW = datetime(2022, 1, 13, tzinfo=UTC)
HISTORY_END = datetime(2022, 1, 12, 18, tzinfo=UTC)
COLUMNS = "ts AS timestamp, 1 AS views, 2 AS revenue, 'web' AS platform, 'us' AS marketplace"
HISTORICAL = f"SELECT {COLUMNS} FROM orders WHERE ts < :window_end"
CONTINUOUS = f"SELECT {COLUMNS} FROM orders WHERE ts >= :window_start AND ts < :window_end"


@dataclass(frozen=True)
class ToySession:
    """Step 2: a session."""

    connection: duckdb.DuckDBPyConnection

    dialect: ClassVar[str] = "duckdb"
    default_port: ClassVar[int] = 1
    writing: ClassVar[Writing]  # which only the command line needs

    @classmethod
    def open(cls, login: Login) -> "ToySession":
        connection = duckdb.connect()
        hours = "generate_series(TIMESTAMP '2022-01-12', TIMESTAMP '2022-01-12 23:30', INTERVAL 30 minutes)"
        connection.execute(f"CREATE TABLE orders AS SELECT unnest({hours}) AS ts")
        return cls(connection)

    def columns(self, select: str) -> Mapping[str, Kind]:
        return {name: Kind.OTHER for name, *_ in self.connection.execute(f"DESCRIBE {select}").fetchall()}

    def copy(self, select: str, delimiter: str, write: Callable[[bytes], Any]) -> int:
        try:
            rows = self.connection.execute(select).fetchall()
        except duckdb.Error as error:
            raise StatementFailed(str(error)) from error
        for row in [list(self.columns(select)), *rows]:
            write((delimiter.join(map(str, row)) + "\n").encode())
        return len(rows)

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(select).fetchall()

    def is_open(self, name: str) -> bool:
        return False

    def end(self, name: str) -> None:
        return

    def close(self) -> None:
        self.connection.close()


class Toy(SessionDatabase):
    """Step 3: the database."""

    session: ClassVar[type[Session]] = ToySession
    dialect: ClassVar[str] = "duckdb"
    secret_name: ClassVar[str] = "toy-l4mintegration"


@pytest.fixture
def crawl(monkeypatch: pytest.MonkeyPatch) -> Crawl:
    """Step 4: a row in the registry; and the bucket of a stack that was deployed for it."""
    monkeypatch.setattr(registry, "DATABASES", {**DATABASES, "toy": Toy})
    for module in ("crawl", "params"):
        monkeypatch.setattr(f"l4m.connector.{module}.DATABASES", registry.DATABASES)
    secrets = MemorySecrets()
    secrets.create_secret("toy-l4mintegration", '{"host": "here", "username": "me", "password": "p", "dbname": "toy"}')
    return Crawl(Clients({"s3": MemoryBucket(), "secretsmanager": secrets}), BUCKET, Target(), "toy")


@pytest.fixture
def params(given: dict[str, Any]) -> dict[str, Any]:  # noqa: F811
    """The params of the toy."""
    own = {key: value for key, value in given.items() if key != "secret_name"}
    return own | {"database_type": "toy", "historical_end": HISTORY_END.isoformat()}


def test_history_and_windows_of_the_toy_are_crawled_each_row_once(crawl: Crawl, params: dict[str, Any]) -> None:
    crawl.store.save(replace(CrawlState(), owner="v1"))
    history = HistoryCrawl(crawl, HISTORICAL, params, "v1", NOW, limit_seconds=60)
    assert not history.advance(NOW).is_done  # submitted
    assert history.advance(NOW).rows == 36
    report = LiveCrawl(crawl, CONTINUOUS, limit=24).advance(HISTORY_END + timedelta(hours=3, minutes=5))
    assert report is not None
    assert list(report.committed.values()) == [2, 2, 2]  # in the same run, for no event tells of them
    assert (report.lag_seconds, report.failed) == (0, {})
    files = stored(crawl.s3, BUCKET, "ecommerce/")
    lines = [line for found in files.values() for line in found]
    assert len(lines) == len(set(lines)) == 42


def test_a_query_of_the_toy_that_fails_ends_the_upload_with_its_reason(crawl: Crawl, params: dict[str, Any]) -> None:
    crawl.store.save(replace(CrawlState(), owner="v1"))
    history = HistoryCrawl(crawl, HISTORICAL.replace("orders", "nowhere"), params, "v1", NOW, limit_seconds=60)
    history.advance(NOW)
    with pytest.raises(StatementFailed, match="nowhere"):
        history.advance(NOW)


def test_a_window_that_fails_is_tried_again_at_the_next_tick(crawl: Crawl, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    crawl.store.save(replace(CrawlState(), owner="v1"))
    history = HistoryCrawl(crawl, HISTORICAL, params, "v1", NOW, limit_seconds=60)
    history.advance(NOW)
    history.advance(NOW)
    tick = HISTORY_END + timedelta(hours=1, minutes=5)
    copy = ToySession.copy

    def fail(*arguments: Any) -> int:
        raise StatementFailed("out of memory")

    monkeypatch.setattr(ToySession, "copy", fail)
    first = LiveCrawl(crawl, CONTINUOUS, limit=24).advance(tick)
    assert first is not None
    assert (list(first.failed.values()), first.committed) == (["out of memory"], {})
    monkeypatch.setattr(ToySession, "copy", copy)
    second = LiveCrawl(crawl, CONTINUOUS, limit=24).advance(tick)
    assert second is not None
    assert list(second.committed.values()) == [2]


@pytest.mark.parametrize("name", sorted(DATABASES))
def test_what_the_recipe_names_is_there_for_every_database(root: Path, name: str) -> None:
    text = (root / RECIPE).read_text(encoding="utf-8")
    paths = {path.replace("<type>", name) for path in re.findall(r"`((?:ai_ops|l4m|tests|scripts|sample_resources)/[\w./<>-]+)`", text)}
    own = {"l4m/databases/redshift_session.py"}  # it has statements that run by themselves, as step 1 says
    package = root / "ai_ops/lambdas/shared/python"
    assert [path for path in sorted(paths - own) if not (root / path).exists() and not (package / path).exists()] == []


def test_the_steps_are_numbered_and_end_in_the_check_that_proves_them(root: Path) -> None:
    text = (root / RECIPE).read_text(encoding="utf-8")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert "**What proves it:**" in text.split("\n8. ")[1]
