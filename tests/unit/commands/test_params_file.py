"""`l4m validate`, `plan` and `apply`, against the service itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.unit.api.conftest import serve
from tests.unit.connector.test_detector import TOPIC, Owner
from tests.unit.memory_table import MemoryTable

from l4m.cli import main
from l4m.commands import params_file


@pytest.fixture
def owner(given: dict[str, Any]) -> Owner:
    """An owner on an empty service."""
    return Owner(serve(MemoryTable()), given)


@pytest.fixture
def file(tmp_path: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The owner's params.json; the service is the one in this process, and it learns at once."""

    class Diligent:
        def __getattr__(self, name: str) -> Any:
            owner.work()
            return getattr(owner.client, name)

    monkeypatch.setattr(params_file, "service", Diligent)
    path = tmp_path / "params.json"
    path.write_text(json.dumps(owner.given), encoding="utf-8")
    return path


def run(command: str, file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, [command, str(file), *options])


def test_validate_says_what_is_watched(file: Path) -> None:
    result = run("validate", file)
    assert result.exit_code == 0
    assert "views, revenue by platform, marketplace every PT1H" in result.output


def test_validate_names_every_fault_and_fails(file: Path, owner: Owner) -> None:
    file.write_text(json.dumps(owner.given | {"offset": -1, "timezone": "x"}), encoding="utf-8")
    result = run("validate", file)
    assert result.exit_code == 2
    assert [line.split(":")[1].strip() for line in result.output.splitlines()] == ["offset", "timezone"]


def test_plan_shows_what_would_be_made_and_makes_nothing(file: Path, owner: Owner) -> None:
    before = owner.service.items()
    result = run("plan", file)
    assert [line.split(" ")[:2] for line in result.output.splitlines()] == [
        ["create", "detector"],
        ["create", "metric"],
        ["create", "alert"],
    ]
    assert owner.service.items() == before


def test_apply_brings_it_about_and_then_there_is_nothing_left_to_plan(file: Path, owner: Owner) -> None:
    result = run("apply", file, "--wait-seconds", "0")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1].endswith("is ACTIVE and as described.")
    assert "Nothing to do" in run("plan", file).output


def test_apply_gives_up_on_a_detector_that_does_not_get_ready(file: Path, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "work", lambda: None)
    result = run("apply", file, "--wait-seconds", "0", "--give-up-minutes", "0")
    assert result.exit_code == 2
    assert "is ACTIVATING after 0 minutes; it goes on: apply again" in result.output.splitlines()[-1]


def test_plan_says_what_is_learned_anew(file: Path, owner: Owner) -> None:
    run("apply", file, "--wait-seconds", "0")
    file.write_text(json.dumps(owner.given | {"dimension_list": [], "alert_threshold": 9}), encoding="utf-8")
    lines = run("plan", file).output.splitlines()
    assert [line.endswith("learns anew") for line in lines] == [True, False]
    file.write_text(json.dumps(owner.given | {"timezone": "Asia/Tokyo"}), encoding="utf-8")
    assert "delete and create" in run("plan", file).output


def test_apply_leaves_the_history_that_the_connector_crawled_alone(file: Path, owner: Owner) -> None:
    owner.settle("h1")
    assert owner.given["alert_sns_topic_arn"] == TOPIC
    run("apply", file, "--wait-seconds", "0")
    assert owner.learnings() == 1
    assert owner.settle("h1") == []


def test_without_an_endpoint_the_command_says_what_to_export(
    tmp_path: Path, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(params_file.ENDPOINT, raising=False)
    path = tmp_path / "params.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    result = run("plan", path)
    assert (result.exit_code, params_file.ENDPOINT in result.output) == (2, True)
