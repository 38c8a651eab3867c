"""The historical crawl: once per history, through kills, failures and other uploads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.connector.fakes import FakeRedshift, Killed, client_error, stored

from l4m.connector.crawl import Crawl
from l4m.connector.crawl_state import StateStore, Superseded
from l4m.connector.history import HistoryCrawl, Progress
from l4m.databases.statements import StatementAborted, StatementFailed, StatementTimedOut
from l4m.errors import L4mError

UPLOADED = datetime(2022, 1, 12, 18, 25, 3, tzinfo=UTC)
NOW = UPLOADED + timedelta(seconds=5)
QUERY = (Path(__file__).parents[3] / "ai_ops/lambdas/redshift/redshift-historical-crawl/query.sql").read_text(encoding="utf-8")


def history(crawl: Crawl, given: dict[str, Any], version: str = "v1", query: str = QUERY) -> HistoryCrawl:
    return HistoryCrawl(crawl, query, given, version, UPLOADED, limit_seconds=3600)


def accept(crawl: Crawl, version: str) -> None:
    crawl.store.save(replace(crawl.store.load(), owner=version))


def finish(crawl: Crawl, redshift: FakeRedshift, given: dict[str, Any], version: str = "v1", query: str = QUERY) -> Progress:
    accept(crawl, version)
    for _ in range(9):
        progress = history(crawl, given, version, query).advance(NOW)
        if progress.is_done:
            return progress
        for name in redshift.running():
            redshift.finish(name)
    raise AssertionError("the crawl does not end")


@pytest.fixture
def rows(redshift: FakeRedshift) -> FakeRedshift:
    """Fifty hours of rows; the last ones lie on both sides of the upload."""
    redshift.rows = [datetime(2022, 1, 12, 19, tzinfo=UTC) - timedelta(hours=hours) for hours in range(50)]
    return redshift


def test_history_is_unloaded_once_and_counted(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], s3: Any) -> None:
    progress = finish(crawl, rows, given)
    assert (progress.is_done, progress.rows, len(rows.statements)) == (True, 48, 1)
    assert [len(lines) for lines in stored(s3, crawl.bucket, "ecommerce/backtest/").values()] == [48]


def test_history_ends_on_the_interval_and_the_continuous_crawl_begins_there(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]
) -> None:
    finish(crawl, rows, given)
    assert crawl.store.load().watermark == datetime(2022, 1, 12, 18, tzinfo=UTC).timestamp()
    assert "TIMESTAMP ''2022-01-12 18:00:00''" in rows.statements["statement-0"]["Sqls"][0]


def test_an_explicit_end_of_history_is_kept(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    finish(crawl, rows, given | {"historical_end": "2022-01-11T20:30:00+01:00"})
    assert "TIMESTAMP ''2022-01-11 19:00:00''" in rows.statements["statement-0"]["Sqls"][0]


def test_a_history_without_rows_leaves_a_file_with_its_header(crawl: Crawl, redshift: FakeRedshift, given: dict[str, Any], s3: Any) -> None:
    assert finish(crawl, redshift, given).rows == 0
    assert stored(s3, crawl.bucket, "ecommerce/backtest/") == {"ecommerce/backtest/000": []}


def test_the_same_history_is_not_crawled_again_for_a_later_upload(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    finish(crawl, rows, given)
    changed = given | {"alert_threshold": 70, "dimension_list": ["platform"], "offset": 0}
    assert finish(crawl, rows, changed, "v2").rows == 48
    assert len(rows.statements) == 1
    assert crawl.store.load().params == changed


@pytest.mark.parametrize("change", ["query", "end", "path", "secret"])
def test_a_changed_history_is_crawled_again(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], secretsmanager: Any, change: str
) -> None:
    first = finish(crawl, rows, given)
    query = QUERY
    if change == "query":
        query += "\n  AND ecommerce.views > 0"
    if change == "end":
        given |= {"historical_end": "2022-01-11T19:00:00Z"}
    if change == "path":
        given["metric_source"]["S3SourceConfig"]["HistoricalDataPathList"] = [f"s3://{crawl.bucket}/other/backtest/"]
    if change == "secret":
        secretsmanager.create_secret(
            Name="another", SecretString=secretsmanager.get_secret_value(SecretId="redshift-l4mintegration")["SecretString"]
        )
        given |= {"secret_name": "another"}
    second = finish(crawl, rows, given, "v2", query)
    assert second.fingerprint != first.fingerprint
    assert len(rows.statements) == 2


def test_crawling_again_brings_the_windows_since_historys_end_again(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    finish(crawl, rows, given | {"historical_end": "2022-01-12T10:00:00Z"})
    crawl.store.save(replace(crawl.store.load(), watermark=int(UPLOADED.timestamp()) // 3600 * 3600))
    finish(crawl, rows, given | {"historical_end": "2022-01-12T11:00:00Z"}, "v2")
    assert crawl.store.load().watermark == datetime(2022, 1, 12, 11, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("change", [{"detector_frequency": "P1D"}, {"timezone": "Asia/Kolkata"}])
def test_another_layout_brings_the_windows_again_but_not_history(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], change: dict[str, str]
) -> None:
    finish(crawl, rows, given | {"historical_end": "2022-01-12T10:00:00Z"})
    crawl.store.save(replace(crawl.store.load(), watermark=int(UPLOADED.timestamp()) // 3600 * 3600))
    finish(crawl, rows, given | {"historical_end": "2022-01-12T10:00:00Z"} | change, "v2")
    begins = {"P1D": datetime(2022, 1, 12, tzinfo=UTC), "Asia/Kolkata": datetime(2022, 1, 12, 9, 30, tzinfo=UTC)}
    assert crawl.store.load().watermark == begins[next(iter(change.values()))].timestamp()
    assert len(rows.statements) == 1


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda redshift, name: redshift.fail(name), StatementFailed),
        (lambda redshift, name: redshift.abort(name), StatementAborted),
        (lambda redshift, name: redshift.fail(name, "Query cancelled on statement timeout"), StatementTimedOut),
        (lambda redshift, name: redshift.statements.clear(), StatementAborted),
    ],
)
def test_failed_aborted_and_timed_out_statements_are_told_apart(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], end: Any, error: type[L4mError]
) -> None:
    accept(crawl, "v1")
    history(crawl, given).advance(NOW)
    end(rows, "statement-0")
    with pytest.raises(error, match="statement-0"):
        history(crawl, given).advance(NOW)


def test_after_a_failure_the_next_upload_crawls_anew(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    accept(crawl, "v1")
    history(crawl, given).advance(NOW)
    rows.fail("statement-0")
    assert finish(crawl, rows, given, "v2").rows == 48


def test_a_statement_over_its_limit_is_cancelled_and_reported(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    accept(crawl, "v1")
    history(crawl, given).advance(NOW)
    assert not history(crawl, given).advance(NOW + timedelta(hours=1)).is_done
    with pytest.raises(StatementTimedOut):
        history(crawl, given).advance(NOW + timedelta(hours=1, seconds=1))
    assert rows.cancelled == ["statement-0"]


def test_a_newer_upload_takes_over_and_never_unloads_beside_the_older(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], s3: Any
) -> None:
    accept(crawl, "v1")
    history(crawl, given).advance(NOW)
    accept(crawl, "v2")
    with pytest.raises(Superseded):
        history(crawl, given).advance(NOW)
    newer = given | {"historical_end": "2022-01-12T00:00:00Z"}
    assert not history(crawl, newer, "v2").advance(NOW).is_done
    assert (rows.cancelled, rows.running()) == (["statement-0"], [])
    assert finish(crawl, rows, newer, "v2").rows == 30
    assert [len(lines) for lines in stored(s3, crawl.bucket, "ecommerce/backtest/").values()] == [30]


def test_a_newer_upload_of_the_same_history_adopts_the_running_statement(crawl: Crawl, rows: FakeRedshift, given: dict[str, Any]) -> None:
    accept(crawl, "v1")
    history(crawl, given).advance(NOW)
    assert finish(crawl, rows, given | {"alert_threshold": 50}, "v2").rows == 48
    assert (len(rows.statements), rows.cancelled) == (1, [])


@pytest.mark.parametrize("at", [5, 6])
def test_a_crawl_that_was_killed_before_it_knew_its_statement_is_found_and_cancelled(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], s3: Any, at: int
) -> None:
    accept(crawl, "v1")
    counter = [0]
    mortal = replace(crawl, clients=crawl.clients.mortal(counter, at, "s3", "redshift-data"))
    with pytest.raises(Killed):
        history(mortal, given).advance(NOW)
        history(mortal, given).advance(NOW)
    newer = given | {"historical_end": "2022-01-12T00:00:00Z"}
    assert finish(crawl, rows, newer, "v2").rows == 30
    assert [len(lines) for lines in stored(s3, crawl.bucket, "ecommerce/backtest/").values()] == [30]


def test_a_crawl_that_the_data_api_refuses_does_not_block_the_next_upload(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(crawl, "v1")
    submit = rows.batch_execute_statement

    def refuse_the_first(**arguments: Any) -> dict[str, str]:
        if "backtest" in arguments["Sqls"][0]:
            raise client_error("ValidationException", "BatchExecuteStatement")
        return submit(**arguments)

    monkeypatch.setattr(rows, "batch_execute_statement", refuse_the_first)
    with pytest.raises(StatementFailed):
        history(crawl, given).advance(NOW)
    given["metric_source"]["S3SourceConfig"]["HistoricalDataPathList"] = [f"s3://{crawl.bucket}/other/past/"]
    assert finish(crawl, rows, given, "v2").rows == 48


@pytest.mark.parametrize("at", range(1, 14))
def test_killed_at_any_call_the_crawl_ends_as_if_nothing_had_happened(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], s3: Any, at: int
) -> None:
    accept(crawl, "v1")
    counter = [0]
    mortal = replace(crawl, clients=crawl.clients.mortal(counter, at, "s3", "redshift-data", "secretsmanager"))
    for _ in range(9):
        try:
            if history(mortal, given).advance(NOW).is_done:
                break
        except Killed:
            continue
        for name in rows.running():
            rows.finish(name)
    assert len(rows.statements) == 1
    assert [len(lines) for lines in stored(s3, crawl.bucket, "ecommerce/backtest/").values()] == [48]
    state = StateStore(s3, crawl.bucket).load()
    assert state.history is not None
    assert (state.history.rows, state.watermark) == (48, datetime(2022, 1, 12, 18, tzinfo=UTC).timestamp())
