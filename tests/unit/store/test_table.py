"""The table: conditional writes, changes under contention, queries that page."""

import pytest
from botocore.exceptions import ClientError
from tests.unit.memory_table import MemoryTable

from l4m.errors import Conflict
from l4m.store.table import Key, KeyTakenError, RequirementFailedError, Table

KEY, OWNER = Key("thing", "a"), Key("owner", "o")


@pytest.fixture(params=["moto", "memory"])
def table(request):
    """The table as moto has it, and as other tests have it that only need one."""
    return Table(MemoryTable() if request.param == "memory" else request.getfixturevalue("dynamodb"), "l4m")


def test_insertion_happens_once(table):
    table.insert(KEY, {"value": 1})
    with pytest.raises(KeyTakenError):
        table.insert(KEY, {"value": 2})
    assert table.get(KEY).document == {"value": 1}


def test_insertion_needs_its_owner_in_another_state(table):
    with pytest.raises(RequirementFailedError):
        table.insert(KEY, {}, OWNER, unless_status="DELETING")
    table.put(OWNER, {"status": "DELETING"})
    with pytest.raises(RequirementFailedError):
        table.insert(KEY, {}, OWNER, unless_status="DELETING")
    assert table.get(KEY) is None
    table.put(OWNER, {"status": "ACTIVE"})
    table.insert(KEY, {}, OWNER, unless_status="DELETING")
    with pytest.raises(KeyTakenError):
        table.insert(KEY, {}, OWNER, unless_status="DELETING")


def test_change_is_made_on_what_is_there_now(table):
    table.insert(KEY, {"count": 0})
    first = table.get(KEY).version
    interruptions = [1, 2, 3]

    def edit(document):
        if interruptions:  # somebody else writes between our read and our write
            step = interruptions.pop()
            table.change(KEY, lambda other: {"count": other["count"] + step})
        return {"count": document["count"] + 10}

    table.change(KEY, edit)
    assert table.get(KEY).document == {"count": 16}
    assert table.get(KEY).version == first + 4


def test_endless_contention_is_a_conflict(table):
    table.insert(KEY, {"count": 0})

    def edit(document):
        table.put(KEY, {"count": document["count"] + 1})
        table.change(KEY, lambda other: {**other, "touched": True})
        return {"count": -1}

    with pytest.raises(Conflict):
        table.change(KEY, edit)
    assert table.get(KEY).document["count"] > 0


def test_change_of_nothing_is_none_and_no_difference_no_write(table):
    assert table.change(KEY, lambda document: document) is None
    table.insert(KEY, {"a": 1})
    first = table.get(KEY).version
    assert table.change(KEY, lambda document: document) == {"a": 1}
    assert table.get(KEY).version == first


def test_query_reads_on_beyond_a_page_of_dynamodb(table):
    text = "x" * 100_000
    for number in range(25):  # 2.5 MB; a page of DynamoDB ends at 1 MB
        table.put(Key("many", f"{number:02d}"), {"text": text})
    assert [row.sort for row in table.query("many")] == [f"{number:02d}" for number in range(25)]
    assert [row.sort for row in table.query("many", prefix="1", after="17")] == ["18", "19"]
    assert list(table.query("none")) == []


@pytest.mark.parametrize("text", ["", "ü🛒", "\x00", '"\\', "\u2028", "a" * 1000])
def test_documents_come_back_as_they_were(table, text):
    table.put(KEY, {"text": text, "list": [text, 1, 2.5, None, True]})
    assert table.get(KEY).document == {"text": text, "list": [text, 1, 2.5, None, True]}


@pytest.mark.parametrize(
    "key", [Key("", "a"), Key("a", ""), Key("a" * 2049, "a"), Key("a", "ü" * 513)], ids=["no p", "no s", "long p", "long s"]
)
def test_a_key_of_no_or_too_many_bytes_is_refused(table, key):
    with pytest.raises(ClientError, match="ValidationException"):
        table.put(key, {})


def test_a_table_that_keeps_documents_back_is_asked_as_often_as_it_may_help(table, monkeypatch):
    for number in range(3):
        table.put(Key("thing", str(number)), {"number": number})
    keys, asked, ask = [Key("thing", str(number)) for number in range(3)], [], table.client.batch_get_item

    def answer(RequestItems, keeps_back):
        asked.append(RequestItems)
        (first, *rest) = RequestItems["l4m"]["Keys"]
        if keeps_back:
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        left = {"l4m": {**RequestItems["l4m"], "Keys": rest}} if rest else {}
        return ask(RequestItems={"l4m": {**RequestItems["l4m"], "Keys": [first]}}) | {"UnprocessedKeys": left}

    monkeypatch.setattr(table.client, "batch_get_item", lambda RequestItems: answer(RequestItems, False))
    assert sorted(row.document["number"] for row in table.get_many(keys)) == [0, 1, 2]
    asked.clear()
    monkeypatch.setattr(table.client, "batch_get_item", lambda RequestItems: answer(RequestItems, True))
    with pytest.raises(Conflict, match="3 documents cannot be read"):
        list(table.get_many(keys))
    assert len(asked) == 3
