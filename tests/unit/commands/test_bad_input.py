"""Whatever is wrong with what a user gives: one line that names it, exit code 2, no traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from l4m.cli import main
from l4m.commands.incident_files import write_whole

GOOD = "ts,country,views\n" + "".join(f"2024-01-01 {hour:02d}:00:00,US,{hour}\n" for hour in range(24))
OPTIONS = {"--timestamp": "ts", "--measures": "views", "--dimensions": "country", "--interval": "PT1H"}


def backtest(file: Path, **changes: str) -> tuple[int, str]:
    options = OPTIONS | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    result = CliRunner().invoke(main, ["backtest", str(file), *(word for pair in options.items() for word in pair)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "data.csv: is empty"),
        ("ts,country,views\n", "data.csv: holds no rows"),
        (GOOD.replace("views", "clicks"), "data.csv, line 1, column views: does not exist"),
        (GOOD.replace("2024-01-01 ", "on "), "data.csv, line 2, column ts: timestamp cannot be parsed ('on 00:00:00')"),
        ("ts,country,views\n2024-01-01,US,ten\n", "data.csv, line 2, column views: measure is not a finite number ('ten')"),
        ("ts,country,views\n2024-01-01,US,1\n", "one interval only"),
        ("ts,country,views\n" + "".join(f"2024-01-{day:02d},US,1\n" for day in range(1, 29)), "rows come every 1 day"),
        ("ts,country,views,ts\n2024-01-01,US,1,2\n", "data.csv, line 1: the column 'ts' stands there twice"),
    ],
)
def test_data_that_cannot_be_used(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text)
    code, output = backtest(file)
    assert code == 2
    assert named in output


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"interval": "PT7M"}, "--interval: 'PT7M'"),
        ({"interval": "P5Y"}, "--interval: 'P5Y'"),
        ({"measures": "views:median"}, "'median'; SUM and AVG"),
        ({"measures": "views,views"}, "views stands there twice"),
        ({"measures": ","}, "names no column"),
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus'"),
        ({"country": "XX"}, "--country: 'XX'"),
        ({"special_days": "2024-13-01"}, "--special-days: '2024-13-01'"),
        ({"timestamp_format": "yyyy-QQ"}, "timestamp format: 'yyyy-QQ' has 'QQ'"),
        ({"sensitivity": "101"}, "101"),
        ({"incidents": "/nowhere/at/all.json"}, "/nowhere/at/all.json: cannot be written"),
        ({"points": "/nowhere/at/all.parquet"}, "/nowhere/at/all.parquet: cannot be written"),
        ({"html": "/nowhere/at/all.html"}, "/nowhere/at/all.html: cannot be written"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, changes: dict[str, str], named: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(GOOD)
    code, output = backtest(file, **changes)
    assert code == 2
    assert named in output


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert backtest(tmp_path / "absent.csv") == (2, f"error: {tmp_path}/absent.csv: does not exist\n")
    assert backtest(tmp_path)[1] == f"error: {tmp_path}: is a folder; name its files\n"


def test_tolerated_rows_are_counted_and_shown(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(GOOD + "soon,US,1\n2024-01-01 05:00:00,US,1e999\n2024-01-01 05:00:00,DE,1e30\n")
    code, output = backtest(file)
    assert code == 0
    warning = " ".join(output.split())
    assert "1 row left out: timestamp cannot be parsed ('soon')" in warning
    assert "measure is not a finite number ('1e999')" in warning


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a,b,actual\nx,y,1\n", "line 1, column expected: does not exist"),
        ("a,b,actual,expected\nx,y,1,2\nx,z,one,2\n", "line 3, column actual: is not a finite number ('one')"),
        ("a,b,actual,expected\nx,y,1,2\nx,y,1,2\n", "line 3, column a: this combination of dimension values stands there twice"),
        ("a,b,actual,expected\nx,,1,2\n", "line 2, column b: is empty"),
        ("a,b,actual,expected\n", "holds no rows"),
        ("", "is empty"),
    ],
)
def test_tables_that_cannot_be_explained(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(text)
    result = CliRunner().invoke(main, ["explain", str(file), "--actual", "actual", "--expected", "expected", "--dimensions", "a,b"])
    assert result.exit_code == 2
    assert named in result.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + "garbage\n", "warning: 1 row left out: line refused, missing columns ('garbage')"),
        (GOOD + GOOD.partition("\n")[2], "note: 24 rows added to another of the same series and interval"),
    ],
)
def test_data_that_is_used_all_the_same_is_counted_once(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text)
    code, output = backtest(file)
    assert code == 0
    assert output.count(told) == 1
    assert output.count("warning") + output.count("note") == 1


@pytest.mark.parametrize("output", ["points", "incidents", "html"])
def test_an_output_never_overwrites_the_data(tmp_path: Path, output: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(GOOD)
    code, said = backtest(file, **{output: str(tmp_path / "." / "data.csv")})
    assert code == 2
    assert "would be overwritten" in said
    assert file.read_text() == GOOD


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text(GOOD)
    code, said = backtest(file, html=str(tmp_path / "out"), incidents=str(tmp_path / "out"))
    assert code == 2
    assert "would be overwritten" in said


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    write_whole("before", target)
    with pytest.raises(UnicodeEncodeError):
        write_whole("after \ud800", target)
    assert target.read_text() == "before"
