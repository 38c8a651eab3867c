"""Lists of groups: what was found, newest first, page by page, however it lies in the table."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.interrupted import Interrupted
from tests.unit.memory_table import MemoryTable

from l4m.store import table as table_module
from l4m.store.index import INDEX_INTERVALS, Index, IndexEntry
from l4m.store.table import Key, Table

HOUR = 3600
FIRST = 5000 * INDEX_INTERVALS * HOUR  # where a page of the index begins


@pytest.fixture
def index() -> Index:
    """The index of a detector."""
    return Index(Table(MemoryTable(), "l4m"), "sales")


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
    return [IndexEntry(FIRST + HOUR * step * place, HOUR, "views", score) for place in range(number)]


def put(index: Index, found: list[IndexEntry]) -> None:
    """Keep groups."""
    for seconds in {entry.interval_seconds for entry in found}:
        chosen = [entry for entry in found if entry.interval_seconds == seconds]
        index.replace(seconds, {entry.start for entry in chosen}, chosen)


def walk(index: Index, size: int, least: float = 0) -> list[list[IndexEntry]]:
    """The list in pages of a size, as the API goes through it."""
    pages, after = [], None
    while page := index.entries(index.count(least), size, least, after):
        pages.append(page)
        after = page[-1].position
    return pages


@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_pages_of_any_size_hold_every_group_once_newest_first(index: Index, size: int) -> None:
    found = entries(30, step=INDEX_INTERVALS // 8)
    put(index, found)
    pages = walk(index, size)
    assert [entry for page in pages for entry in page] == found[::-1]
    assert {len(page) for page in pages[:-1]} <= {size}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_groups_of_intervals_of_other_lengths_stand_among_the_rest(index: Index, size: int) -> None:
    found = [
        IndexEntry(FIRST + HOUR * hour, seconds, measure, 50.0)
        for seconds, hours in ((300, (0, 1, 30)), (HOUR, (0, 24, 300)), (24 * HOUR, (0, 24, 48)))
        for hour in hours
        for measure in ("clicks", "views")
    ]
    put(index, found)
    assert [entry for page in walk(index, size) for entry in page] == sorted(found, reverse=True)
    assert index.count().by_measure == {"clicks": 9, "views": 9}


def test_groups_of_a_time_are_found_whatever_their_length(index: Index) -> None:
    found = [IndexEntry(FIRST + HOUR * hour, seconds, "views", 50.0) for seconds in (300, HOUR) for hour in (-1, 0, 700, 701)]
    put(index, found)
    inside = [entry for entry in found if FIRST <= entry.start < FIRST + HOUR * 701]
    assert index.between(FIRST, FIRST + HOUR * 701) == sorted(inside)


def test_groups_of_an_interval_are_listed_by_measure(index: Index) -> None:
    found = [IndexEntry(FIRST, HOUR, name, 50.0) for name in ("views", "clicks", "sales")]
    put(index, found)
    assert [entry.measure for page in walk(index, 1) for entry in page] == ["views", "sales", "clicks"]


def test_severe_groups_far_back_are_found_without_those_between(index: Index) -> None:
    severe = [IndexEntry(FIRST - HOUR * 9000 * place, HOUR, "views", 99.5) for place in (1, 2)]
    put(index, [*severe, *entries(300)])
    assert [entry for page in walk(index, 1, least=99) for entry in page] == severe
    assert index.count(99).by_measure == {"views": 2}


def test_a_list_takes_one_batch_after_the_counts(table: Table, calls: list[str]) -> None:
    index = Index(table, "sales")
    put(index, entries(8, step=INDEX_INTERVALS))
    calls.clear()
    assert len(index.entries(index.count(), 5)) == 5
    assert calls == ["Query", "BatchGetItem"]


def test_more_documents_than_a_batch_takes_are_all_read(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MOST_KEYS", 3)
    found = entries(7, step=INDEX_INTERVALS)
    put(index, found)
    assert len(index.entries(index.count(), 1000)) == len(found)


def test_counts_that_are_ahead_of_the_groups_end_no_list(index: Index) -> None:
    found = entries(4, step=INDEX_INTERVALS)
    put(index, found)
    [newest, *_] = index.count().tallies
    index.table.delete(Key("sales#group", newest.page.sort(1, "views")))
    assert walk(index, 1) == [[entry] for entry in found[-2::-1]]


def test_the_earliest_begin_of_judging_counts(index: Index) -> None:
    assert index.count().since is None
    for start in (FIRST, FIRST + HOUR, FIRST - HOUR):
        index.begin(start)
    assert index.count().since == FIRST - HOUR


def test_of_two_runs_that_change_a_page_at_once_no_group_is_lost(index: Index) -> None:
    """One belongs to an earlier activation and is late; it comes in before each call that the other makes."""
    old, gone, late, new = (IndexEntry(FIRST + HOUR * place, HOUR, "views", 50.0 + place) for place in range(4))
    at, client = 0, Interrupted(MemoryTable())
    while client.calls >= at:
        client = Interrupted(MemoryTable(), at)
        plain = replace(index, table=Table(client.client, "l4m"))
        put(plain, [old, gone])
        client.other = lambda plain=plain: put(plain, [late])
        replace(index, table=Table(client, "l4m")).replace(HOUR, {gone.start, new.start}, [new])
        if client.calls > at:
            assert walk(plain, 1) == [[new], [late], [old]], f"before call {at}"
            assert [plain.count(least).by_measure["views"] for least in (0, 51, 52, 53)] == [3, 2, 2, 1], f"before call {at}"
        at += 1
    assert at > 4


def test_of_two_runs_that_begin_at_once_the_earlier_interval_counts(index: Index) -> None:
    for first, second in ((FIRST, FIRST - HOUR), (FIRST - HOUR, FIRST)):
        client = Interrupted(MemoryTable(), at=1)
        plain = replace(index, table=Table(client.client, "l4m"))
        client.other = lambda plain=plain, second=second: plain.begin(second)
        replace(index, table=Table(client, "l4m")).begin(first)
        assert plain.count().since == FIRST - HOUR
