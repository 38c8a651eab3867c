"""What Lambda gave up on: whom it concerns, and the words it is told in."""

import doctest
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from l4m import errors
from l4m.arns import Scope
from l4m.model import Detector, DetectorStatus, FailureType, Frequency
from l4m.service.runs import failures
from l4m.service.runs.failures import describe_failure, read_record, record_failure
from l4m.store.resources import Resources

NOW = datetime(2026, 3, 1, 4, 25, tzinfo=UTC)
ARN = Scope("aws", "us-east-1", "123456789012").detector("sales")


def record(task: str, message: str | None = "boom", generation: int = 1) -> dict[str, Any]:
    """What the destination of failed events receives."""
    return {
        "requestContext": {"condition": "RetriesExhausted" if message else "EventAgeExceeded", "approximateInvokeCount": 3},
        "requestPayload": {"detector": ARN, "task": task, "generation": generation},
    } | ({"responsePayload": {"errorMessage": message}} if message else {})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "RequestId: 9f-1 Error: Runtime exited with error: signal: killed",
            ": Runtime exited with error: signal: killed; probably out of",
        ),
        ("2026-03-01T04:25:00.000Z 9f-1 Task timed out after 900.10 seconds", ": Task timed out after 900.10 seconds; watch fewer series"),
        ("an error occurred (AccessDenied)", "3 attempts: an error occurred (AccessDenied)"),
        (None, "EventAgeExceeded; look at the throttles"),
    ],
)
def test_reason_says_what_was_given_up_why_and_what_helps(message: str | None, words: str) -> None:
    assert words in describe_failure(record("learn", message))


ORDER = {"detector": ARN, "task": "learn", "generation": 1}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (
            {
                "order": ORDER,
                "serviceError": {"Error": "Runtime.ExitError", "Cause": '{"errorMessage": "RequestId: 1 Error: signal: killed"}'},
            },
            "learning in shards was given up: signal: killed; probably out of memory: raise RunMemory",
        ),
        (
            {"order": ORDER, "serviceError": {"Error": "States.Timeout", "Cause": ""}},
            "learning in shards was given up: States.Timeout",
        ),
        (
            {"order": ORDER, "serviceError": {"Error": "States.Runtime", "Cause": "no such path"}},
            "learning in shards was given up: no such path",
        ),
        (
            {"detail": {"status": "ABORTED", "input": json.dumps({"order": ORDER, "shards": [0]})}},
            "learning in shards was given up: the execution ended as ABORTED",
        ),
    ],
)
def test_what_a_state_machine_gave_up_on_fails_its_detector_with_the_reason(table: Any, event: dict[str, Any], reason: str) -> None:
    resources = Resources(table)
    resources.add_detector(Detector(ARN, "sales", Frequency.PT1H, NOW, NOW, status=DetectorStatus.ACTIVATING, generation=1))
    record_failure(table, None, read_record(event), NOW)
    found = resources.detector(ARN)
    assert (found.status, found.failure_reason) == (DetectorStatus.FAILED, reason)


def test_reason_is_never_longer_than_the_api_allows_and_keeps_its_hint() -> None:
    reason = describe_failure(record("backtest", "signal " + "x" * 1000))
    assert len(reason) == 256
    assert reason.endswith("raise RunMemory")


@pytest.mark.parametrize(
    ("task", "status", "failure"),
    [
        ("learn", DetectorStatus.ACTIVATING, FailureType.ACTIVATION_FAILURE),
        ("backtest", DetectorStatus.BACK_TEST_ACTIVE, FailureType.BACK_TEST_ACTIVATION_FAILURE),
        ("deactivate", DetectorStatus.DEACTIVATING, FailureType.DEACTIVATION_FAILURE),
        ("delete", DetectorStatus.DELETING, FailureType.DELETION_FAILURE),
    ],
)
def test_detector_on_its_way_fails_with_the_type_of_its_task(table: Any, task: str, status: DetectorStatus, failure: FailureType) -> None:
    resources = Resources(table)
    resources.add_detector(Detector(ARN, "sales", Frequency.PT1H, NOW, NOW, status=status, generation=1))
    record_failure(table, None, record(task), NOW)
    found = resources.detector(ARN)
    assert (found.status, found.failure_type) == (DetectorStatus.FAILED, failure)


@pytest.mark.parametrize(
    ("status", "task", "generation"),
    [
        (DetectorStatus.ACTIVATING, "learn", 2),  # another order was given since
        (DetectorStatus.DELETING, "learn", 1),
        (DetectorStatus.DEACTIVATING, "backtest", 1),  # called off
        (DetectorStatus.ACTIVE, "learn", 1),
        (DetectorStatus.ACTIVE, "schedule", 1),
        (DetectorStatus.ACTIVE, "run", 1),
    ],
)
def test_detector_that_is_elsewhere_by_now_is_left_alone(table: Any, status: DetectorStatus, task: str, generation: int) -> None:
    resources = Resources(table)
    resources.add_detector(Detector(ARN, "sales", Frequency.PT1H, NOW, NOW, status=status, generation=generation))
    letter = record(task)
    letter["requestPayload"]["time"] = NOW.isoformat()
    assert record_failure(table, Recorder(), letter, NOW) is (generation == 1 and task in ("run", "schedule"))
    assert resources.detector(ARN).status is status


def test_detector_that_is_gone_is_no_error(table: Any) -> None:
    assert not record_failure(table, None, record("delete"), NOW)


def test_examples_in_the_docstrings_hold() -> None:
    assert [doctest.testmod(module).failed for module in (failures, errors)] == [0, 0]


class Recorder:
    """Stands where CloudWatch is."""

    def put_metric_data(self, **_: Any) -> None:
        """Take figures."""
