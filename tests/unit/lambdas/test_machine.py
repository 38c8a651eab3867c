"""The state machine as it is written: every end reaches Notify, errors go by names that exist, waits are bounded."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from l4m.connector import detector, history
from l4m.connector.machine import DetectorTooSlow, Patience, crawl_result, detector_result, uploaded_params

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "ai_ops/statemachine/deploy.asl.json").read_text(encoding="utf-8")
STATES: dict[str, Any] = json.loads(TEXT)["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def targets(state: dict[str, Any]) -> Iterator[str]:
    """Where a state can lead."""
    for part in [state, *state.get("Catch", ()), *state.get("Choices", ())]:
        yield from (part[key] for key in ("Next", "Default") if key in part)


def paths_to_an_end(name: str, seen: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    following = [target for target in targets(STATES[name]) if target not in seen]
    if not list(targets(STATES[name])):
        yield (*seen, name)
    for target in following:
        yield from paths_to_an_end(target, (*seen, name))


def test_every_end_is_reached_through_the_notify_function() -> None:
    ends = list(paths_to_an_end("Historical Data Crawl"))
    assert {path[-1] for path in ends} == {"Done", "Failed"}
    for path in ends:
        assert TASKS[path[-2]]["Resource"] == "${NotifyArn}", path


def test_the_reference_s_states_are_there_in_their_order() -> None:
    path = min(paths_to_an_end("Historical Data Crawl"), key=lambda path: path[-1] != "Done")
    assert path.index("Historical Data Crawl") < path.index("Create and Activate Detector") < path.index("Notify")
    assert "Fail" in STATES


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if "Notify" not in task["Resource"]])
def test_every_error_is_caught_by_name_first_and_by_states_all_last(name: str) -> None:
    caught = TASKS[name]["Catch"]
    assert caught[-1]["ErrorEquals"] == ["States.ALL"]
    assert all("States.ALL" not in catch["ErrorEquals"] and catch["ErrorEquals"] for catch in caught[:-1])
    assert {catch["ResultPath"] for catch in caught} == {"$.serviceError"}


def test_every_placeholder_is_substituted_by_the_template_and_every_function_is_used() -> None:
    template = (ROOT / "ai_ops/template.yaml").read_text(encoding="utf-8")
    given = re.search(r"DefinitionSubstitutions:\n((?: {8}\w+:.*\n)+)", template)
    assert given
    assert set(re.findall(r"^ {8}(\w+):", given[1], re.MULTILINE)) == set(re.findall(r"\$\{(\w+)\}", TEXT))


def test_names_that_are_caught_are_names_that_are_raised() -> None:
    """A renamed error would silently fall to States.ALL."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "ai_ops/lambdas/shared/python/l4m").rglob("*.py"))
    model = json.loads((ROOT / "ai_ops/lambdas/shared/python/l4m/api/models/lookoutmetrics/2017-07-25/service-2.json").read_text())
    ours = set(re.findall(r"^class (\w+)\(", sources, re.MULTILINE)) | set(model["shapes"])
    named = {error for task in TASKS.values() for part in (*task.get("Catch", ()), *task["Retry"]) for error in part["ErrorEquals"]}
    assert {error for error in named if "." not in error} <= ours


MOST_SECONDS = 86400 + 14400  # HistoryLimitSeconds at most, and then the detector
EVENTS_A_LOOK = 9  # task entered, scheduled, started, succeeded, exited; choice and wait entered and exited
EVENT = {"bucket": "b", "version": "v", "currentDate": "2022-01-12T18:00:00+00:00", "params": {"offset": 1}}
PATIENCE = Patience(first_seconds=5, longest_seconds=60, limit_seconds=100)


def kept(event: dict[str, Any], key: str, result: dict[str, Any]) -> dict[str, Any]:
    return event | {"params": event["params"] | {key: result}}


def test_waits_double_up_to_the_longest() -> None:
    event, waits = EVENT, []
    for _ in range(7):
        result = crawl_result(event, history.Progress(False, "f"), PATIENCE)
        waits.append(result["wait_seconds"])
        event = kept(event, "crawl", result)
    assert waits == [5, 10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize("longest", [1, 5, 60])
def test_an_execution_ends_before_its_history_is_full_however_short_the_waits(longest: int) -> None:
    patience, event, waited, looks = Patience(1, longest), EVENT, 0, 0
    while waited < MOST_SECONDS:
        result = crawl_result(event, history.Progress(False, "f"), patience)
        event = kept(event, "crawl", result)
        waited += result["wait_seconds"]
        looks += 1
    assert looks * EVENTS_A_LOOK < 20_000, "AWS ends an execution at 25,000 events, and the detector is waited for as well"


def test_what_the_machine_keeps_is_not_part_of_the_params() -> None:
    event = kept(kept(EVENT, "crawl", {}), "detector", {})
    assert uploaded_params(event) == {"offset": 1}


def test_changes_add_up_and_patience_ends() -> None:
    first = detector_result(EVENT, detector.Progress(False, "ACTIVATING", True, "arn", ("create",)), PATIENCE)
    event = kept(EVENT, "detector", first)
    second = detector_result(event, detector.Progress(False, "ACTIVATING", True, "arn", ()), PATIENCE)
    assert (second["changes"], second["activated"], second["waited_seconds"]) == (["create"], True, 15)
    event = kept(EVENT, "detector", second | {"waited_seconds": 95})
    with pytest.raises(DetectorTooSlow, match="ACTIVATING after 115 s"):
        detector_result(event, detector.Progress(False, "ACTIVATING", True, "arn", ()), PATIENCE)
    assert detector_result(event, detector.Progress(True, "ACTIVE", True, "arn", ()), PATIENCE)["status"] == "DONE"
