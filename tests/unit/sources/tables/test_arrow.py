"""Results of DuckDB in batches: right while they are held, and gone with their query's failure."""

import duckdb
import numpy as np
import pytest

from l4m.sources.tables.arrow import StreamFailed, stream

ROWS = 500_000


def test_batch_holds_its_numbers_while_later_ones_are_read() -> None:
    with duckdb.connect() as connection:
        batches = list(stream(connection.sql(f"SELECT range AS number FROM range({ROWS})")))
        numbers = np.concatenate([batch.numbers(0, np.int64) for batch in batches])
    assert len(batches) > 2
    np.testing.assert_array_equal(numbers, np.arange(ROWS))


def test_query_that_fails_half_way_says_why() -> None:
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT CASE WHEN range = {ROWS - 1} THEN error('broken') ELSE '' END FROM range({ROWS})")
        with pytest.raises(StreamFailed, match="broken"):
            list(stream(relation))
