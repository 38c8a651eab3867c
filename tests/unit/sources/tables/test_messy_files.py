"""Text files as people have them: read as they are meant, and what is not is counted by reason, with its line."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from l4m.errors import InvalidInput
from l4m.model import Measure, TimestampColumn
from l4m.sources.tables.block_reader import read_block
from l4m.sources.tables.formats import TextOptions
from l4m.sources.tables.read_report import ReadReport
from l4m.sources.tables.table_spec import TableSpec

HOURS = 60
NAMES = {name: f"--{name}" for name in ("charset", "delimiter", "skip", "decimal", "thousands", "timestamp-format", "interval")}
HEADER = ["when", "Ort", "kind", "sold"]
ROWS = [
    [f"{datetime(2024, 3, 4) + timedelta(hours=hour):%Y-%m-%d %H:%M:%S}", place, kind, str(hour * 10 + number)]
    for hour in range(HOURS)
    for number, (place, kind) in enumerate((("Köln", "web"), ("Bonn", "app"), ("Aachen", "web")))
]


def spec(**changes: object) -> TableSpec:
    given = {"timestamp": TimestampColumn("when", "ISO"), "measures": (Measure("sold"),), "interval_seconds": 3600}
    return TableSpec(**(given | {"dimensions": ("Ort", "kind"), "setting_names": NAMES} | changes))  # type: ignore[arg-type]


def table(rows: list[list[str]] = ROWS, sign: str = ",", end: str = "\n") -> str:
    return "".join(sign.join(row) + end for row in (HEADER, *rows))


def objects(rows: list[list[str]] = ROWS) -> list[str]:
    return [json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=False) for row in rows]


def read(folder: Path, content: str | bytes, name: str = "sales.csv", **changes: object) -> tuple[np.ndarray, ReadReport]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    block, report = read_block([path], spec(**changes), names=[name])
    return block.values, report


def reasons(report: ReadReport) -> dict[str, tuple[int, int]]:
    return {fault.reason: (fault.count, fault.line) for fault in report.faults}


def pack(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export/sales.csv", content)
    return packed.getvalue()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    return read(tmp_path_factory.mktemp("plain"), table())[0]


@pytest.mark.parametrize(
    "content",
    [
        table(end="\r\n"),
        table(end="\r"),
        table().replace("\n", "\r\n", 1),
        table(end="\r\n").replace("\r\n", "\n", 1),
        table().replace("\n", "\r\n", 90).replace("\r\n", "\n", 30),
        table(end="\r\r\n"),
        "\n\n  \n" + table(),
        table().replace("\n", "\n\n"),
        table() + "\x1a",
        "sep=;\n" + table(sign=";"),
        "sep=\t\r\n" + table(sign="\t", end="\r\n"),
        table().encode("utf-8-sig"),
        gzip.compress(table().encode("utf-8-sig")),
        bz2.compress(table().encode()),
        lzma.compress(table().encode()),
        pack(table().encode()),
        pack(gzip.compress(table(end="\r\n").encode())),
        table().encode("utf-16"),
        table().encode("utf-16-le"),
        table().encode("utf-16-be"),
        table().encode("utf-32"),
        table().encode("iso-8859-1"),
        table(end="\r\n").replace("\r\n", "\n", 1).encode("cp1252"),
        "\n".join(objects()),
        ("\ufeff" + "\n".join(objects())).encode(),
        gzip.compress(("\ufeff" + "\r\n".join(objects())).encode()),
        "\n".join(objects()).encode("iso-8859-1"),
        "[" + ",\n".join(objects()) + "]",
        "[" + ",".join(objects()) + "]",
        json.dumps([json.loads(one) for one in objects()], indent=2),
        "\n".join(json.dumps(json.loads(one), indent=1) for one in objects()),
        ",\n".join(objects()),
        "".join(objects()),
        "\n".join(objects()[:90]) + "\n\ufeff" + "\n".join(objects()[90:]),
        '"when","Ort\n","kind","sold"' + table().partition("kind,sold")[2],
    ],
)
def test_it_reads_as_it_is_meant(tmp_path: Path, plain: np.ndarray, content: str | bytes) -> None:
    values, report = read(tmp_path, content)
    np.testing.assert_array_equal(values, plain)
    assert (report.rows, report.rows_used, report.rows_invalid) == (len(ROWS), len(ROWS), 0)
    assert not [fault for fault in report.faults if not fault.is_change]


@pytest.mark.parametrize("charset", ["iso-8859-1", "cp1252"])
def test_another_character_set_is_read_and_named_with_the_option_that_says_so(tmp_path: Path, charset: str) -> None:
    rows = [[row[0], row[1].replace("Bonn", "Caf\u00e9 \u201eX\u201c") if charset == "cp1252" else row[1], *row[2:]] for row in ROWS]
    _, report = read(tmp_path, table(rows).encode(charset))
    (fault,) = report.faults
    name = {"iso-8859-1": "ISO-8859-1", "cp1252": "WINDOWS-1252"}[charset]
    assert fault.reason == f"line is not UTF-8; read as {name}"
    assert (fault.line, fault.remedy) == (2, f"--charset {name} says so")
    assert fault.count == HOURS * (2 if charset == "cp1252" else 1)


def test_broken_bytes_in_a_file_of_utf_8_cost_their_line_only(tmp_path: Path) -> None:
    lines = table().encode().split(b"\n")
    lines[50] = lines[50].replace(b"o", b"\xc3(")
    _, report = read(tmp_path, b"\n".join(lines))
    assert reasons(report) == {"line refused, not UTF-8": (1, 51)}
    assert (report.rows, report.rows_used) == (len(ROWS), len(ROWS) - 1)


@pytest.mark.parametrize("where", [1, 2, 90, len(ROWS)])
@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quote_that_never_closes_costs_nothing_around_it(tmp_path: Path, plain: np.ndarray, where: int, quoted: bool, end: str) -> None:
    rows = [[row[0], f'"{row[1]}"', *row[2:]] for row in ROWS] if quoted else ROWS
    lines = table(rows, end=end).split(end)
    when, place, rest = lines[where].split(",", 2)
    lines[where] = f'{when},"{place.strip(chr(34))},{rest}'
    values, report = read(tmp_path, end.join(lines))
    np.testing.assert_array_equal(values, plain)
    assert reasons(report) == {"a quote opens that never closes; read without it": (1, where + 1)}


def test_a_quote_that_spoils_its_row_is_one_row(tmp_path: Path) -> None:
    lines = table().splitlines()
    lines[7] = '2024-03-04 02:00:00,"Köln, web,20'
    lines[9:9] = ['2024-03-04 02:00:00,"Bonn"x,web,1', "2024-03-04 02:00:00,Bonn"]
    _, report = read(tmp_path, "\n".join(lines))
    assert reasons(report)["line refused, a quote stands where none can"] == (1, 10)
    assert reasons(report)["line refused, missing columns"] == (1, 11)
    assert (report.rows, report.rows_invalid) == (len(ROWS) + 2, 2)


def test_quoted_line_feeds_delimiters_and_quotes_are_text(tmp_path: Path) -> None:
    rows = [[row[0], f'"{row[1]}\nam ""Rhein"", West"', *row[2:]] for row in ROWS]
    text = table(rows).replace("\n", "\r\n", 1)  # line ends of two kinds: written anew
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    block, _ = read_block([path], spec())
    assert {leaf[0] for leaf in block.leaves} == {f'{place}\nam "Rhein", West' for place in ("Köln", "Bonn", "Aachen")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"when": "2024-03-05 01:00:00", "Ort": "Bo', "line refused, JSON that is cut off"),
        ('{"when": "2024-03-05 01:00:00",', "line refused, JSON that is cut off"),
        ("{when: 1}", "line refused, not JSON"),
        ("# made by hand", "line refused, not JSON"),
        ("[1, 2]", "line refused, JSON but not an object"),
        ("12", "line refused, JSON but not an object"),
        ('{"a":' * 5_000 + "1" + "}" * 5_000, "line refused, JSON nested too deeply"),
    ],
)
def test_a_line_that_is_no_object_is_called_what_it_is(tmp_path: Path, line: str, reason: str) -> None:
    lines = objects()
    lines[40:40] = [line]
    _, report = read(tmp_path, "\n".join([*lines, "[0]"]), "sales.jsonl")
    assert reasons(report)[reason][1] == 41
    assert (report.rows, report.rows_used) == (len(ROWS) + 2, len(ROWS))


def test_rows_that_lack_keys_are_told_apart_from_lines_that_are_none(tmp_path: Path) -> None:
    lines = objects()
    lines[3] = json.dumps({"Ort": None, "kind": "web", "sold": 1})
    lines[5] = lines[5].replace('"Ort": "Aachen"', '"Ort": null')
    lines[8] = lines[8][:-9]
    _, report = read(tmp_path, "\n".join(lines), "sales.jsonl")
    assert reasons(report) == {
        "timestamp is missing": (1, 4),
        "dimension is empty": (2, 4),
        "line refused, JSON that is cut off": (1, 9),
    }


def test_the_rest_of_an_array_with_a_broken_object_is_read(tmp_path: Path) -> None:
    lines = objects()
    lines[11] = lines[11][:-9]
    _, report = read(tmp_path, "[\n" + ",\n".join(lines) + "\n]", "sales.json")
    assert report.rows_used == len(ROWS) - 1
    assert [fault.line for fault in report.faults] == [13]


def test_fields_inside_fields_are_columns(tmp_path: Path) -> None:
    deep = [
        {"at": {"time": row[0]}, "Ort": row[1], "x": {"kind": row[2], "sum.total": [1]}, "order": {"sold": int(row[3])}} for row in ROWS
    ]
    deep[7]["order"] = "none"
    dotted = {"timestamp": TimestampColumn("at.time", "ISO"), "measures": (Measure("order.sold"),), "dimensions": ("Ort", "x.kind")}
    text = "\n".join(map(json.dumps, deep))
    _, report = read(tmp_path, text, "a.jsonl", **dotted)
    assert (report.rows_used, reasons(report)) == (len(ROWS) - 1, {"measure is empty": (1, 8)})
    named = {"when": "at.time", "kind": "x.kind", "sold": "order.sold"}
    _, report = read(tmp_path, text, "b.jsonl", fields=named)
    assert report.rows_used == len(ROWS) - 1


def test_lines_before_the_header_are_skipped_if_said_and_else_hinted_at(tmp_path: Path, plain: np.ndarray) -> None:
    text = 'Sales, by "hour\n\nmade yesterday\n' + table()
    with pytest.raises(InvalidInput, match="line 4 has them all: --skip 3"):
        read(tmp_path, text)
    values, report = read(tmp_path, text + "short\n", text=TextOptions(skip=3))
    np.testing.assert_array_equal(values, plain)
    assert reasons(report) == {"line refused, missing columns": (1, 5 + len(ROWS))}


@pytest.mark.parametrize(
    ("write", "signs", "hint"),
    [
        (lambda number: f"{number:.2f}".replace(".", ","), {"decimal": ","}, "--decimal , reads it"),
        (lambda number: f"{number:,.2f}".translate(str.maketrans(",.", ".,")), {"decimal": ",", "thousands": "."}, "--decimal ,"),
        (lambda number: f"{number:,.1f}", {"thousands": ","}, "--thousands , reads it"),
        (lambda number: f"{number:,.1f}".replace(",", " "), {"thousands": " "}, "--thousands ' ' reads it"),
        (lambda number: f"{number:,.1f}".replace(",", "'"), {"thousands": "'"}, "--thousands"),
    ],
)
def test_signs_of_numbers_are_read_if_said_and_else_the_whole_is_refused(
    tmp_path: Path, plain: np.ndarray, write: Callable[[float], str], signs: dict[str, str], hint: str
) -> None:
    rows = [[*row[:3], write(float(row[3]) * 10_000)] for row in ROWS]
    text = table(rows, sign=";")
    with pytest.raises(InvalidInput, match=hint):
        read(tmp_path, text)
    np.testing.assert_array_equal(read(tmp_path, text, **signs)[0], plain * 10_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 and no more", "cannot be read"),
        (b"\x28\xb5\x2f\xfd....", "is packed with zstd"),
        (b"\xd0\xcf\x11\xe0....", "is an old Excel or Word file; save it as CSV"),
        ("<!DOCTYPE html>\n<html>", "is a web page or XML"),
        (b"%PDF-1.7", "is a PDF"),
        (table().encode("utf-16")[: 2 * 300 + 1], "is not written in UTF-16"),
    ],
)
def test_what_is_no_table_is_refused_as_what_it_is(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"sales.csv: {message}"):
        read(tmp_path, content)


def test_a_workbook_is_refused_with_what_helps(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    with pytest.raises(InvalidInput, match="save the sheet as CSV"):
        read(tmp_path, packed.getvalue(), "book.xlsx")


def test_files_of_all_formats_are_one_table(tmp_path: Path, plain: np.ndarray) -> None:
    parts = {
        "1.csv": table(ROWS[0::3]),
        "2.jsonl": "\ufeff" + "\n".join(objects(ROWS[1::3])),
        "3.csv": "sep=;\r\n" + table(ROWS[2::3], sign=";").replace("\n", "\r\n", 20),
    }
    for name, text in parts.items():
        (tmp_path / name).write_bytes(text.encode())
    block, report = read_block([tmp_path / name for name in parts], spec())
    order = [block.leaves.index(leaf) for leaf in (("Aachen", "web"), ("Bonn", "app"), ("Köln", "web"))]
    np.testing.assert_array_equal(block.values[:, :, order], plain)
    assert report.rows_invalid == 0
