"""Lists of groups: what was found, newest first, page by page, however it lies in the table."""

from collections.abc import Iterator
from typing import Any

import pytest

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
