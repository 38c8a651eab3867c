"""`l4m explain` from table to causes."""

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from l4m.cli import COMMANDS, main


def test_causes_of_two_cases(tmp_path: Path) -> None:
    lines = ["case,country,platform,actual,expected"]
    for case, (column, value, factor) in {"first": (0, "c3", 0.4), "second": (1, "p5", 1.8)}.items():
        for country in (f"c{n}" for n in range(8)):
            for n, platform in enumerate(f"p{n}" for n in range(8)):
                hit = (country, platform)[column] == value
                lines.append(f"{case},{country},{platform},{1000 * (factor if hit else 1) + n % 3},1000")
    table, out = tmp_path / "table.csv", tmp_path / "out.json"
    table.write_text("\n".join(lines) + "\n")
    options = ["--actual", "actual", "--expected", "expected", "--dimensions", "country,platform", "--case", "case"]
    result = CliRunner().invoke(main, ["explain", str(table), *options, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "country=c3" in result.output and "-60 %" in result.output
    cases = json.loads(out.read_text())["cases"]
    assert [(one["case"], [cause["dimensions"] for cause in one["causes"]]) for one in cases] == [
        ("first", [{"country": "c3"}]),
        ("second", [{"platform": "p5"}]),
    ]
    assert list(cases[0]["causes"][0]) == ["dimensions", "contribution", "change"]
    printed = CliRunner().invoke(main, ["explain", str(table), *options], catch_exceptions=False)
    assert json.loads(printed.output)["cases"] == cases


def test_every_command_of_the_list_can_be_called() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert name in result.output


def test_help_imports_no_engine() -> None:
    heavy = {"numpy", "duckdb", "boto3", "rich"}
    code = f"import sys; from l4m.cli import main; main(['--help'], standalone_mode=False); assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def test_what_a_table_holds_is_shown_and_not_obeyed(tmp_path):
    table = tmp_path / "cases.csv"
    rows = [f"{country},{device},{10 if country == HOSTILE else 100},100" for country in (HOSTILE, "fr", "it") for device in ("app", "web")]
    table.write_text("\n".join(["country,device,actual,expected", *rows, ""]))
    done = CliRunner().invoke(
        main, ["explain", str(table), "--actual", "actual", "--expected", "expected", "--dimensions", "country,device"]
    )
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output
    assert "[/b]" in done.output


HOSTILE = "de[/b]\x1b[2J"
