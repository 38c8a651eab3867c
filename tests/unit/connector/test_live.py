"""The continuous crawl: each row lands exactly once, whatever happens to the events."""

import copy
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.connector.fakes import FakeRedshift, Killed, stored

from l4m.connector.crawl import Crawl
from l4m.connector.crawl_state import CrawlState, History, StateChanged
from l4m.connector.live import LiveCrawl, Report

START = datetime(2022, 1, 12, tzinfo=UTC)
QUERY = (Path(__file__).parents[3] / "ai_ops/lambdas/redshift/redshift-continuous-crawl/query.sql").read_text(encoding="utf-8")


def begin(crawl: Crawl, given: dict[str, Any], start: datetime = START, token: str = "t") -> None:
    past = History("f", "v1", int(start.timestamp()), ("x",), token, 0, "s", 1)
    state = CrawlState(owner="v1", history=past, params=given, watermark=int(start.timestamp()))
    crawl.store.save(replace(state, etag=crawl.store.load().etag))


def live(crawl: Crawl, limit: int = 24) -> LiveCrawl:
    return LiveCrawl(crawl, QUERY, limit)


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def finish_all(redshift: FakeRedshift) -> None:
    for name in redshift.running():
        redshift.finish(name)


def tick(crawl: Crawl, at: datetime, limit: int = 24) -> Report:
    report = live(crawl, limit).advance(at)
    assert report is not None
    return report


@pytest.fixture
def rows(redshift: FakeRedshift, crawl: Crawl, given: dict[str, Any]) -> FakeRedshift:
    """Rows on the hour and within it, for two days; none between four and six."""
    redshift.rows = [hours(quarter / 4) for quarter in range(4 * 48) if not 16 <= quarter < 24]
    begin(crawl, given)
    return redshift


def test_before_history_is_crawled_a_tick_does_nothing(crawl: Crawl) -> None:
    assert live(crawl).advance(hours(1)) is None


def test_a_tick_unloads_the_window_that_ended_into_its_folder(crawl: Crawl, rows: FakeRedshift, s3: Any) -> None:
    assert tick(crawl, hours(1)).submitted == (int(START.timestamp()),)
    finish_all(rows)
    report = live(crawl).advance(None)
    assert report is not None
    assert (report.committed, report.watermark) == ({int(START.timestamp()): 4}, hours(1).timestamp())
    times = [
        line.split(",")[0]
        for line in stored(s3, crawl.bucket, "ecommerce/live/20220112/0000/")["ecommerce/live/20220112/0000/20220112T0000Z_000"]
    ]
    assert times == ["2022-01-12 00:00:00", "2022-01-12 00:15:00", "2022-01-12 00:30:00", "2022-01-12 00:45:00"]


def test_a_tick_in_the_middle_of_an_interval_leaves_it_alone(crawl: Crawl, rows: FakeRedshift) -> None:
    assert tick(crawl, hours(0.99)).submitted == ()
    report = tick(crawl, hours(2.5))
    assert (len(report.submitted), report.lag_seconds) == (2, 1.5 * 3600)  # the first of them had ended that long ago


def test_a_secret_is_read_once_in_a_while_not_in_every_call(crawl: Crawl, rows: FakeRedshift) -> None:
    mortal = replace(crawl, clients=crawl.clients.mortal([0], 2, "secretsmanager"))  # dies when it is read again
    assert [tick(mortal, hours(hour)).lag_seconds for hour in range(1, 4)] == [0, 3600, 7200]


def test_the_same_tick_twice_submits_once(crawl: Crawl, rows: FakeRedshift) -> None:
    tick(crawl, hours(3))
    assert tick(crawl, hours(3)).submitted == ()
    assert len(rows.statements) == 3


def test_a_window_without_rows_leaves_a_file_with_its_header(crawl: Crawl, rows: FakeRedshift, s3: Any) -> None:
    tick(crawl, hours(6))
    finish_all(rows)
    assert tick(crawl, hours(6)).committed[int(hours(4).timestamp())] == 0
    body = s3.get_object(Bucket=crawl.bucket, Key="ecommerce/live/20220112/0400/20220112T0400Z_000")["Body"].read()
    assert body == b"timestamp,views,revenue,platform,marketplace\n"


def test_missed_windows_are_caught_up_a_bounded_number_at_a_time_and_without_further_ticks(crawl: Crawl, rows: FakeRedshift) -> None:
    assert len(tick(crawl, hours(10), limit=4).submitted) == 4
    for left in (2, 0):
        finish_all(rows)
        report = live(crawl, 4).advance(None)
        assert report is not None
        assert len(rows.running()) == (4 if left else 2)
    finish_all(rows)
    report = live(crawl, 4).advance(None)
    assert report is not None
    assert (report.watermark, report.lag_seconds) == (hours(10).timestamp(), 0)


def test_the_watermark_waits_for_the_oldest_window(crawl: Crawl, rows: FakeRedshift) -> None:
    tick(crawl, hours(3))
    rows.finish("statement-1")
    rows.finish("statement-2")
    assert tick(crawl, hours(3)).watermark == START.timestamp()
    rows.finish("statement-0")
    assert tick(crawl, hours(3)).watermark == hours(3).timestamp()


def test_a_failed_window_is_tried_again_by_the_next_tick_and_never_skipped(crawl: Crawl, rows: FakeRedshift, s3: Any) -> None:
    tick(crawl, hours(1))
    rows.fail("statement-0")
    ended = live(crawl).advance(None)
    assert ended is not None
    assert "relation does not exist" in ended.failed[int(START.timestamp())]
    assert rows.running() == []
    assert len(tick(crawl, hours(2)).submitted) == 2
    finish_all(rows)
    assert tick(crawl, hours(2)).watermark == hours(2).timestamp()
    assert_each_row_once(s3, crawl, rows, 2)


def test_an_event_that_is_older_than_the_latest_tick_changes_nothing(crawl: Crawl, rows: FakeRedshift) -> None:
    tick(crawl, hours(5))
    finish_all(rows)
    tick(crawl, hours(2))
    state = crawl.store.load()
    assert (state.horizon, state.watermark) == (hours(5).timestamp(), hours(5).timestamp())


@pytest.mark.parametrize("seed", range(4))
def test_lost_doubled_and_disordered_events_end_in_the_same_files(crawl: Crawl, rows: FakeRedshift, s3: Any, seed: int) -> None:
    chance = random.Random(seed)
    events: list[datetime | None] = [hours(hour) for hour in range(1, 13) if chance.random() > 0.3]
    events += [chance.choice(events) for _ in range(6)] + [None] * 5
    chance.shuffle(events)
    for event in [*events, hours(12)]:
        live(crawl, limit=5).advance(event)
        for name in rows.running():
            if chance.random() < 0.6:
                (rows.fail if chance.random() < 0.2 else rows.finish)(name)
    for _ in range(20):
        if tick(crawl, hours(12), limit=5).watermark == hours(12).timestamp():
            break
        finish_all(rows)
    assert crawl.store.load().watermark == hours(12).timestamp()
    assert_each_row_once(s3, crawl, rows, 12)


@pytest.mark.parametrize("at", range(1, 28))
def test_killed_at_any_call_each_row_still_lands_once(crawl: Crawl, rows: FakeRedshift, s3: Any, at: int) -> None:
    counter = [0]
    mortal = replace(crawl, clients=crawl.clients.mortal(counter, at, "s3", "redshift-data", "secretsmanager"))
    for hour in range(1, 7):
        try:
            live(mortal).advance(hours(min(hour, 5)))
        except Killed:
            continue
        finish_all(rows)
    live(crawl).advance(None)
    assert len(rows.statements) == 5
    assert crawl.store.load().watermark == hours(5).timestamp()
    assert_each_row_once(s3, crawl, rows, 5)


def test_a_lost_race_is_run_again(crawl: Crawl, rows: FakeRedshift, monkeypatch: pytest.MonkeyPatch) -> None:
    save, lost = crawl.store.save, []

    def lose_twice(store: Any, state: CrawlState) -> CrawlState:
        if len(lost) < 2:
            lost.append(state)
            raise StateChanged("lost")
        return save(state)

    monkeypatch.setattr("l4m.connector.crawl_state.StateStore.save", lose_twice)
    assert tick(crawl, hours(1)).submitted == (int(START.timestamp()),)


def test_two_runs_at_once_submit_one_statement(crawl: Crawl, rows: FakeRedshift) -> None:
    store = crawl.store
    stale = store.load()
    tick(crawl, hours(1))
    with pytest.raises(StateChanged):
        store.save(stale)
    assert len(rows.statements) == 1


def test_folders_follow_the_timezone_and_an_hour_that_comes_twice_keeps_both_files(
    crawl: Crawl, redshift: FakeRedshift, given: dict[str, Any], s3: Any
) -> None:
    autumn = datetime(2013, 11, 3, 4, tzinfo=UTC)
    redshift.rows = [autumn + timedelta(minutes=30 * half) for half in range(8)]
    begin(crawl, given | {"timezone": "America/New_York"}, autumn)
    tick(crawl, autumn + timedelta(hours=4))
    finish_all(redshift)
    tick(crawl, autumn + timedelta(hours=4))
    assert {key.removeprefix("ecommerce/live/"): len(lines) for key, lines in stored(s3, crawl.bucket, "ecommerce/live/").items()} == {
        "20131103/0000/20131103T0400Z_000": 2,
        "20131103/0100/20131103T0500Z_000": 2,
        "20131103/0100/20131103T0600Z_000": 2,
        "20131103/0200/20131103T0700Z_000": 2,
    }


def test_days_begin_at_midnight_of_the_timezone(crawl: Crawl, redshift: FakeRedshift, given: dict[str, Any], s3: Any) -> None:
    midnight = datetime(2013, 11, 2, 4, tzinfo=UTC)
    redshift.rows = [midnight + timedelta(hours=hour) for hour in range(49)]
    begin(crawl, given | {"timezone": "America/New_York", "detector_frequency": "P1D"}, midnight)
    for _ in range(2):
        tick(crawl, midnight + timedelta(hours=49))
        finish_all(redshift)
    assert {key: len(lines) for key, lines in stored(s3, crawl.bucket, "ecommerce/live/").items()} == {
        "ecommerce/live/20131102/0000/20131102T0400Z_000": 24,
        "ecommerce/live/20131103/0000/20131103T0400Z_000": 25,
    }


def test_another_layout_waits_for_the_old_statement_and_brings_the_window_again(
    crawl: Crawl, rows: FakeRedshift, given: dict[str, Any], s3: Any
) -> None:
    tick(crawl, hours(1))
    other = copy.deepcopy(given)
    other["metric_source"]["S3SourceConfig"]["TemplatedPathList"] = [f"s3://{crawl.bucket}/other/live/{{{{yyyyMMdd}}}}/{{{{HHmm}}}}"]
    crawl.store.save(replace(crawl.store.load(), params=other))
    assert tick(crawl, hours(1)).submitted == ()
    finish_all(rows)
    assert len(tick(crawl, hours(1)).submitted) == 1
    finish_all(rows)
    assert tick(crawl, hours(1)).watermark == hours(1).timestamp()
    assert [len(lines) for lines in stored(s3, crawl.bucket, "other/live/").values()] == [4]


def assert_each_row_once(s3: Any, crawl: Crawl, redshift: FakeRedshift, count: int) -> None:
    files = stored(s3, crawl.bucket, "ecommerce/live/")
    found = sorted(line.split(",")[0] for lines in files.values() for line in lines)
    assert found == [row.strftime("%Y-%m-%d %H:%M:%S") for row in redshift.rows if row < hours(count)]
    assert len(files) == count
