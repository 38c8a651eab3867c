"""Facts that hold for every database: the same suite runs over each row of the registry."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from l4m.connector.query import END, START, InvalidQuery, Query
from l4m.databases.database import Database, Destination
from l4m.databases.registry import DATABASES

WINDOW = {START: datetime(2013, 2, 6, 5, tzinfo=UTC), END: datetime(2013, 2, 6, 6, tzinfo=UTC)}
COLUMNS = ("timestamp", "views", "revenue", "platform", "marketplace")


@pytest.fixture(params=sorted(DATABASES))
def name(request: pytest.FixtureRequest) -> str:
    """The database_type of one member."""
    return str(request.param)


@pytest.fixture
def database(name: str) -> type[Database]:
    """One member."""
    return DATABASES[name]


def folder(root: Path, name: str, crawl: str) -> Path:
    return root / "ai_ops/lambdas" / name / f"{name}-{crawl}-crawl"


def schema(root: Path) -> Any:
    return json.loads((root / "ai_ops/params.schema.json").read_text(encoding="utf-8"))


def test_the_schema_of_params_names_the_databases_of_the_registry(root: Path) -> None:
    assert sorted(schema(root)["properties"]["database_type"]["enum"]) == sorted(DATABASES)


def test_each_has_both_crawls_a_crawl_app_and_its_handlers(root: Path, name: str) -> None:
    for crawl in ("historical", "continuous"):
        assert (folder(root, name, crawl) / f"{name}-{crawl}-crawl.py").is_file()
    assert (root / f"ai_ops/l4m-{name}-continuous-crawl.yaml").is_file()


@pytest.mark.parametrize(("crawl", "windows"), [("historical", {END}), ("continuous", {START, END})])
def test_its_queries_deliver_the_columns_of_the_sample(root: Path, name: str, database: type[Database], crawl: str, windows: Any) -> None:
    text = (folder(root, name, crawl) / "query.sql").read_text(encoding="utf-8")
    assert Query(text, windows, database, COLUMNS).columns == COLUMNS


def test_a_rendered_window_is_a_query_of_its_dialect_with_both_bounds(database: type[Database]) -> None:
    rendered = Query("select a from t where ts >= :window_start and ts < :window_end;", WINDOW, database).render(**WINDOW)
    tree = sqlglot.parse_one(rendered, dialect=database.dialect)
    assert not list(tree.find_all(sqlglot.exp.Placeholder))
    assert "2013-02-06 05:00:00" in rendered
    assert "2013-02-06 06:00:00" in rendered


def test_a_placeholder_of_a_driver_is_no_window(database: type[Database]) -> None:
    with pytest.raises(InvalidQuery):
        Query("select a from t where ts >= %(window_start)s and ts < %(window_end)s", WINDOW, database)


def test_instants_are_written_in_utc(database: type[Database]) -> None:
    there = datetime(2024, 7, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert database.literal(there) == database.literal(datetime(2024, 7, 1, tzinfo=UTC))


def test_the_same_export_has_the_same_statements(database: type[Database]) -> None:
    window = Destination("s3://shop/live/20130206/0500/20130206T0500Z_", "arn:aws:iam::123456789012:role/r", {})
    assert database.export("select 1 as a", window) == database.export("select 1 as a", window)
