"""Lists of groups: what was found, newest first, page by page, however it lies in the table."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.interrupted import Interrupted
from tests.unit.memory_table import MemoryTable

from l4m.store import table as table_module
from l4m.store.anomalies import INDEX_INTERVALS, Anomalies, IndexEntry
from l4m.store.bucket import Bucket
from l4m.store.table import Key, Table

HOUR = 3600
FIRST = 5000 * INDEX_INTERVALS * HOUR  # where a page of the index begins


@pytest.fixture
def anomalies(table: Table) -> Anomalies:
    """Anomalies of an hourly detector, of which nothing is read from the bucket."""
    return Anomalies(table, Bucket(None, "state"), "sales", HOUR)


@pytest.fixture
def calls(table: Table) -> Iterator[list[str]]:
    """The operations that DynamoDB is asked for."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    events = table.client.meta.events
    events.register("before-call.dynamodb", note)
    yield made
    events.unregister("before-call.dynamodb", note)


def entries(number: int, step: int = 1, score: float = 50.0) -> list[IndexEntry]:
    """One group every ``step`` hours."""
    return [IndexEntry(FIRST + HOUR * step * place, "views", score) for place in range(number)]


def put(anomalies: Anomalies, found: list[IndexEntry]) -> None:
    """Keep groups."""
    anomalies.replace({entry.start for entry in found}, found)


def walk(anomalies: Anomalies, size: int, least: float = 0) -> list[list[IndexEntry]]:
    """The list in pages of a size, as the API goes through it."""
    pages, after = [], None
    while page := anomalies.entries(anomalies.count(least), size, least, after):
        pages.append(page)
        after = page[-1].position
    return pages


@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_pages_of_any_size_hold_every_group_once_newest_first(anomalies: Anomalies, size: int) -> None:
    found = entries(30, step=INDEX_INTERVALS // 8)
    put(anomalies, found)
    pages = walk(anomalies, size)
    assert [entry for page in pages for entry in page] == found[::-1]
    assert {len(page) for page in pages[:-1]} <= {size}


def test_groups_of_an_interval_are_listed_by_measure(anomalies: Anomalies) -> None:
    found = [IndexEntry(FIRST, name, 50.0) for name in ("views", "clicks", "sales")]
    put(anomalies, found)
    assert [entry.measure for page in walk(anomalies, 1) for entry in page] == ["views", "sales", "clicks"]


def test_severe_groups_far_back_are_found_without_those_between(anomalies: Anomalies) -> None:
    severe = [IndexEntry(FIRST - HOUR * 9000 * place, "views", 99.5) for place in (1, 2)]
    put(anomalies, [*severe, *entries(300)])
    assert [entry for page in walk(anomalies, 1, least=99) for entry in page] == severe
    assert anomalies.count(99).by_measure == {"views": 2}


def test_a_list_takes_one_batch_after_the_counts(anomalies: Anomalies, calls: list[str]) -> None:
    put(anomalies, entries(8, step=INDEX_INTERVALS))
    calls.clear()
    assert len(anomalies.entries(anomalies.count(), 5)) == 5
    assert calls == ["Query", "BatchGetItem"]


def test_more_documents_than_a_batch_takes_are_all_read(anomalies: Anomalies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MOST_KEYS", 3)
    found = entries(7, step=INDEX_INTERVALS)
    put(anomalies, found)
    assert len(anomalies.entries(anomalies.count(), 1000)) == len(found)


def test_counts_that_are_ahead_of_the_groups_end_no_list(anomalies: Anomalies) -> None:
    found = entries(4, step=INDEX_INTERVALS)
    put(anomalies, found)
    [newest, *_] = anomalies.count().tallies
    anomalies.table.delete(Key("sales#group#003600", f"{10**8 - 1 - newest.page:08d}#views"))
    assert walk(anomalies, 1) == [[entry] for entry in found[-2::-1]]


def test_the_earliest_begin_of_judging_counts(anomalies: Anomalies) -> None:
    assert anomalies.count().since is None
    for start in (FIRST, FIRST + HOUR, FIRST - HOUR):
        anomalies.begin(start)
    assert anomalies.count().since == FIRST - HOUR


def test_of_two_runs_that_change_a_page_at_once_no_group_is_lost(anomalies: Anomalies) -> None:
    """One belongs to an earlier activation and is late; it comes in before each call that the other makes."""
    old, gone, late, new = (IndexEntry(FIRST + HOUR * place, "views", 50.0 + place) for place in range(4))
    at, client = 0, Interrupted(MemoryTable())
    while client.calls >= at:
        client = Interrupted(MemoryTable(), at)
        plain = replace(anomalies, table=Table(client.client, "l4m"))
        put(plain, [old, gone])
        client.other = lambda plain=plain: put(plain, [late])
        replace(anomalies, table=Table(client, "l4m")).replace({gone.start, new.start}, [new])
        if client.calls > at:
            assert walk(plain, 1) == [[new], [late], [old]], f"before call {at}"
            assert [plain.count(least).by_measure["views"] for least in (0, 51, 52, 53)] == [3, 2, 2, 1], f"before call {at}"
        at += 1
    assert at > 4


def test_of_two_runs_that_begin_at_once_the_earlier_interval_counts(anomalies: Anomalies) -> None:
    for first, second in ((FIRST, FIRST - HOUR), (FIRST - HOUR, FIRST)):
        client = Interrupted(MemoryTable(), at=1)
        plain = replace(anomalies, table=Table(client.client, "l4m"))
        client.other = lambda plain=plain, second=second: plain.begin(second)
        replace(anomalies, table=Table(client, "l4m")).begin(first)
        assert plain.count().since == FIRST - HOUR
