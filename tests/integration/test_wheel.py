"""The wheel without a clone: what its metadata asks for is enough for `l4m backtest` and `l4m explain`, and that is nothing of AWS."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
MOST_REQUIREMENTS = 200
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as the script builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([str(ROOT / "scripts" / "build"), "--wheel", str(folder)], check=True, capture_output=True, timeout=600)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that holds the wheel and what it requires, nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    libraries = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    for needed in required(wheel):
        for top in {file.parts[0] for file in needed.files or () if not file.parts[0].startswith((".", "__pycache__"))}:
            (libraries / top).symlink_to(needed.locate_file(top))
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True, timeout=600)
    return python.parent


def required(wheel: Path) -> Iterator[Distribution]:
    """What the wheel requires without extras, and what that requires in turn."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        left = Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    found: set[str] = set()
    for _ in range(MOST_REQUIREMENTS):
        if not left:
            return
        requirement = Requirement(left.pop())
        if requirement.name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(requirement.name)
        needed = distribution(requirement.name)
        left += needed.requires or []
        yield needed
    raise AssertionError("there is no end to what it requires")


def run(bare: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `l4m` as the environment has it, with no other on the path."""
    return subprocess.run(
        [str(bare / "l4m"), *arguments],
        cwd=bare.parent,
        env={"PATH": str(bare), "HOME": str(bare.parent), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_environment_holds_nothing_of_aws(bare: Path) -> None:
    for name in ("boto3", "botocore", "aws_lambda_powertools", "jsonschema", "sqlglot", "numba", "pandas"):
        assert subprocess.run([str(bare / "python"), "-c", f"import {name}"], capture_output=True, check=False, timeout=60).returncode, name


def test_version_is_that_of_the_project(bare: Path, wheel: Path) -> None:
    assert run(bare, "--version").stdout.split()[-1] == wheel.name.split("-")[1]


def test_backtest_finds_the_incident_and_draws_it(bare: Path, tmp_path: Path) -> None:
    shop, found, page, points = (tmp_path / name for name in ("shop.csv", "incidents.json", "page.html", "points.parquet"))
    hours = [datetime(2026, 3, 1) + timedelta(hours=hour) for hour in range(30 * 24)]
    lines = [f"{hour.isoformat()},{country},{orders(hour, country)}" for hour in hours for country in ("de", "fr", "it")]
    shop.write_text("\n".join(["time,country,orders", *lines]) + "\n", encoding="utf-8")
    options = [
        "--timestamp",
        "time",
        "--measures",
        "orders",
        "--dimensions",
        "country",
        "--interval",
        "PT1H",
        "--timezone",
        "Europe/Berlin",
    ]
    written = ["--country", "DE", "--incidents", str(found), "--html", str(page), "--points", str(points)]
    done = run(bare, "backtest", str(shop), *options, *written)
    assert done.returncode == 0, done.stderr
    assert any(one["causes"][0]["dimensions"] == {"country": "de"} for one in json.loads(found.read_text(encoding="utf-8"))["incidents"])
    assert page.stat().st_size and points.stat().st_size


def orders(hour: datetime, country: str) -> int:
    """Orders of an hour; on the evening of the 27th hardly any come from Germany."""
    usual = 400 + 15 * hour.hour + 7 * hour.weekday() + hour.toordinal() * 31 % 23 + hour.hour * hour.day % 11
    return usual // 5 if country == "de" and hour.day == 27 and 14 <= hour.hour < 20 else usual


def test_explain_names_the_cause(bare: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = [(c, p) for c in ("de", "fr", "it") for p in ("app", "web")]
    lines = [f"{country},{platform},{400 if country == 'de' else 1000},1000" for country, platform in rows]
    table.write_text("\n".join(["country,platform,actual,expected", *lines]) + "\n", encoding="utf-8")
    done = run(bare, "explain", str(table), "--actual", "actual", "--expected", "expected", "--dimensions", "country,platform")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cases"][0]["causes"][0]["dimensions"] == {"country": "de"}


def test_what_needs_more_says_so_in_one_line(bare: Path, tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text("{}", encoding="utf-8")
    for command in ("validate", "plan", "apply"):
        done = run(bare, command, str(tmp_path / "params.json"))
        assert done.returncode == 1
        assert "[aws]" in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_client_is_installed_without_boto3(bare: Path) -> None:
    assert run(bare, "install-client").returncode == 0
    assert (bare.parent / ".aws" / "models" / "lookoutmetrics").is_dir()
