"""`l4m backtest` from file to table, JSON, Parquet and page."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result

from l4m.cli import main

START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
HOURS = 24 * 20
EVENT = range(HOURS - 60, HOURS - 52)  # hours in which the platform ``web`` loses most of its views


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    lines = ["ts,country,platform,views"]
    for hour in range(HOURS):
        for country, size in (("US", 4000), ("DE", 2500), ("FR", 1500)):
            for platform, share in (("web", 0.6), ("app", 0.4)):
                mean = size * share * (1.4 + np.sin(hour / 24 * 2 * np.pi)) * (0.25 if hour in EVENT and platform == "web" else 1)
                lines.append(
                    f"{datetime.fromtimestamp(START + hour * 3600, UTC):%Y-%m-%d %H:%M:%S},{country},{platform},{rng.poisson(mean)}"
                )
    path = tmp_path_factory.mktemp("shop") / "shop.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["backtest", *arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def result(shop: Path) -> Result:
    folder = shop.parent
    options = ["--timestamp", "ts", "--measures", "views", "--dimensions", "country,platform", "--interval", "PT1H"]
    outputs = ["--points", f"{folder}/points.parquet", "--incidents", f"{folder}/incidents.json", "--html", f"{folder}/page.html"]
    return run(str(shop), *options, *outputs)


def test_the_incident_is_found_and_told(result: Result, shop: Path) -> None:
    assert result.exit_code == 0, result.output
    first = json.loads((shop.parent / "incidents.json").read_text())["incidents"]
    top = max(first, key=lambda one: one["severity"])
    assert abs(top["start"] - (START + EVENT.start * 3600)) <= 2 * 3600
    assert top["causes"][0]["dimensions"] == {"platform": "web"}
    assert "platform=web" in result.output
    assert "2024-01-18" in result.output


def test_incidents_have_the_promised_shape(result: Result, shop: Path) -> None:
    figures = ["noticed", "actual", "expected", "change", "is_lasting"]
    for one in json.loads((shop.parent / "incidents.json").read_text())["incidents"]:
        assert list(one) == ["id", "start", "end", "severity", "direction", "measures", "causes", "series", "kind", *figures]
        assert one["start"] <= one["noticed"] <= one["end"]
        assert one["kind"] in ("value", "missing")
        assert 0 <= one["severity"] <= 100
        assert all(set(cause) == {"dimensions", "contribution"} for cause in one["causes"])


def test_points_hold_every_value_of_series_and_rollups(result: Result, shop: Path) -> None:
    with duckdb.connect() as connection:
        path = shop.parent / "points.parquet"
        columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        assert columns == [
            "timestamp",
            "country",
            "platform",
            "measure",
            "value",
            "expected",
            "lower",
            "upper",
            "severity",
            "is_anomaly",
        ]
        rows = connection.execute(
            f"SELECT p.value, c.views FROM '{path}' p JOIN read_csv('{shop}') c ON p.timestamp = c.ts AND p.country = c.country "
            "AND p.platform = c.platform"
        ).fetchall()
        assert len(rows) == HOURS * 6
        assert all(value == views for value, views in rows)
        ((rollups, fired),) = connection.execute(
            f"SELECT count(DISTINCT (country, platform)), count(*) FILTER (is_anomaly AND country = '*') FROM '{path}' "
            "WHERE country = '*' OR platform = '*'"
        ).fetchall()
        assert rollups == 1 + 3 + 2
        assert fired > 0
        ((low, high),) = connection.execute(f"SELECT min(severity), max(severity) FROM '{path}'").fetchall()
        assert 0 <= low <= high <= 100


def test_the_page_needs_nothing_from_outside(result: Result, shop: Path) -> None:
    page = (shop.parent / "page.html").read_text()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)""", page)
    assert "http://" not in page.replace("http-equiv", "") and "https://" not in page
    assert "<script" not in page
    assert not [path for path in re.findall(r'd="[^"]*"', page) if "nan" in path]
    assert "platform=web" in page
    assert page.count("<svg") >= 1


def test_names_from_the_data_cannot_break_the_page(tmp_path: Path, shop: Path) -> None:
    path = tmp_path / "evil.csv"
    path.write_text(shop.read_text().replace("web", "<script>alert(1)</script>"))
    result = run(
        str(path),
        "--timestamp",
        "ts",
        "--measures",
        "views",
        "--dimensions",
        "platform",
        "--interval",
        "PT1H",
        "--html",
        f"{tmp_path}/p.html",
    )
    assert result.exit_code == 0
    assert "<script" not in (tmp_path / "p.html").read_text()


def test_rollups_none_leaves_the_series_alone(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "points.parquet"
    few = tmp_path / "few.csv"
    few.write_text("".join(shop.read_text().splitlines(keepends=True)[:200]))
    options = ["--dimensions", "country,platform", "--interval", "PT1H", "--rollups", "none", "--points", str(target)]
    assert run(str(few), "--timestamp", "ts", "--measures", "views", *options).exit_code == 0
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM '{target}' WHERE country = '*' OR platform = '*'").fetchall() == [(0,)]


def test_a_pattern_stands_for_its_files(result: Result, shop: Path, tmp_path: Path) -> None:
    header, *lines = shop.read_text().splitlines()
    for part in range(2):
        (tmp_path / f"part-{part}.csv").write_text("\n".join([header, *lines[part::2]]) + "\n")
    target = tmp_path / "incidents.json"
    options = ["--dimensions", "country,platform", "--interval", "PT1H", "--incidents", str(target)]
    assert run(f"{tmp_path}/part-*.csv", "--timestamp", "ts", "--measures", "views", *options).exit_code == 0
    assert json.loads(target.read_text()) == json.loads((shop.parent / "incidents.json").read_text())
