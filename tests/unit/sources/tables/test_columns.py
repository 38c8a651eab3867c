"""A file without the columns that are asked for: what is said helps to find out why."""

from pathlib import Path

import pytest

from l4m.errors import InvalidInput
from l4m.model import CsvFormat, JsonFormat, Measure, TimestampColumn
from l4m.sources.tables.block_reader import TableSpec, read_block


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        (
            CsvFormat(),
            "ts;views;price\n2024-01-01;1;2\n",
            "there is only 'ts;views;price'; is the delimiter ';'?; .*column views: does not exist; ",
        ),
        (JsonFormat(), "ts,views,price\n2024-01-01,1,2\n", "there are none; is it one JSON object a line?; "),
        (CsvFormat(), "ts,shop\n2024-01-01,US\n", "column views: does not exist; there are ts, shop; .*column price: does not exist$"),
    ],
)
def test_what_there_is_instead_is_said_once(tmp_path: Path, form: CsvFormat | JsonFormat, text: str, message: str) -> None:
    path = tmp_path / "orders"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message.replace("?", r"\?")):
        read_block([path], TableSpec(TimestampColumn("ts", "ISO"), (Measure("views"), Measure("price")), 3600, format=form))
