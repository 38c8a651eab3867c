"""The largest that the model and the quotas allow fits where it is kept and sent."""

import boto3
import pytest
from tests.unit.memory_table import MemoryTable

from l4m.errors import InvalidInput
from l4m.store.anomalies import Anomalies, FencingToken
from l4m.store.bucket import Bucket
from l4m.store.index import INDEX_INTERVALS, TALLY_PAGES, Index, IndexEntry
from l4m.store.table import LARGEST_DOCUMENT, Key, Table

FIRST = 300 * INDEX_INTERVALS * TALLY_PAGES * 700  # where a tally begins
LONGEST = "m" * 250


@pytest.fixture
def index() -> Index:
    """The index of a detector."""
    return Index(Table(MemoryTable(), "l4m"), "d" * 63)


def largest_item(index: Index) -> int:
    """Bytes of the largest item in the index's table."""
    return max(len(item["doc"]["S"]) for item in index.table.client.scan(TableName="l4m")["Items"])


def test_a_page_in_which_every_measure_is_anomalous_all_the_time_fits(index: Index) -> None:
    starts = [FIRST + 300 * number for number in range(INDEX_INTERVALS)]
    entries = [IndexEntry(start, 300, f"{LONGEST}{number:06d}", start / 7 % 100) for start in starts for number in range(20)]
    index.replace(300, starts, entries)
    assert largest_item(index) < 10_000
    census = index.count()
    assert census.by_measure.total() == len(entries)
    listed = index.entries(census, len(entries))
    assert [entry.position for entry in listed] == sorted((entry.position for entry in entries), reverse=True)


def test_a_tally_of_a_measure_that_is_anomalous_all_the_time_fits(index: Index) -> None:
    starts = [FIRST + 300 * number for number in range(INDEX_INTERVALS * TALLY_PAGES)]
    index.replace(300, starts, [IndexEntry(start, 300, LONGEST, start / 7 % 100) for start in starts])
    assert largest_item(index) < 40_000
    tallies = index.count().tallies
    assert tallies[0].page.number == tallies[-1].page.number + TALLY_PAGES - 1
    index.replace(300, starts, [])
    assert index.count().tallies == ()


def test_an_incident_may_last_as_long_as_it_likes(table: Table) -> None:
    s3 = boto3.client("s3", "us-east-1")
    s3.create_bucket(Bucket="state")
    anomalies = Anomalies(Bucket(s3, "state"), "sales")
    groups = {f"{FIRST + 300 * number:012d}#{LONGEST}": 50.0 for number in range(5000)}
    token = FencingToken("1", lambda: None)
    anomalies.put_incident(token, {"id": "long"}, groups)
    anomalies.put_incident(token, {"id": "long", "end": 1}, {"000000000001#m": 1.0})
    assert anomalies.incident("long") == {"id": "long", "end": 1, "groups": {**groups, "000000000001#m": 1.0}, "token": "1", "format": 1}


def test_what_is_too_large_to_be_kept_is_said_to_be(table: Table) -> None:
    with pytest.raises(InvalidInput, match="390,000 are possible"):
        table.put(Key("a", "b"), {"text": "ü" * (LARGEST_DOCUMENT // 2)})
    table.put(Key("k" * 1000, "s" * 1000), {"text": "ü" * (LARGEST_DOCUMENT // 2 - 10)})
    assert table.get(Key("k" * 1000, "s" * 1000)) is not None
