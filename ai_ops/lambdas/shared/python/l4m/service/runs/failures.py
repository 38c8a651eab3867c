"""Tasks that ended without a word: what Lambda gave up on is told where its users look."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from l4m.alerts.metrics import Metrics
from l4m.errors import LONGEST_REASON, Conflict, NotFound, shorten
from l4m.model import Detector, DetectorStatus
from l4m.service.runs.timeline import Timeline
from l4m.service.tasks import TASKS
from l4m.store.resources import Resources
from l4m.store.runs import ExecutionRecord, Runs
from l4m.store.table import Table

_PREFIX = re.compile(r"^.*(?=Task timed out)|^RequestId: \S+ (Error: )?")
_HINTS = {
    "timed out": "watch fewer series or a shorter history, or raise RunMemory, which brings more CPU too",
    "signal": "probably out of memory: raise RunMemory",
    "EventAgeExceeded": "look at the throttles of RunDetection",
}


def record_failure(table: Table, cloudwatch: Any, record: Mapping[str, Any], now: datetime) -> bool:
    """Let the detector fail whose task Lambda gave up on; of a run, the interval that was due fails.

    ``record`` is what Lambda sends to the destination of failed asynchronous events (see ``read_record``). A detector that is gone or has
    taken another order since is left alone, as one whose learning was called off; then nothing has failed, and the answer is False.
    """
    event = record["requestPayload"]
    reason = describe_failure(record)
    resources = Resources(table)
    with suppress(NotFound, Conflict):
        detector = resources.detector(event["detector"])
        if event["task"] == "run":
            _fail_interval(table, detector, datetime.fromisoformat(event["time"]), reason)
            metrics = Metrics(detector.arn, table.name)
            metrics.count_executions("Failed")
            metrics.send(cloudwatch)
        elif event["task"] in TASKS:
            task = TASKS[event["task"]]
            resources.move_detector(
                detector.arn,
                event["generation"],
                DetectorStatus.FAILED,
                allowed=task.states,
                now=now,
                failure_type=task.failure,
                failure_reason=reason,
            )
        return True
    return False


def read_record(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Lambda's destination would receive of a learning in shards: from the machine's own state, or the end it came to from outside.

    >>> read_record({"order": {"task": "learn"}, "serviceError": {"Error": "States.Timeout", "Cause": ""}})["requestContext"]["condition"]
    'States.Timeout'
    """
    if "serviceError" in event:
        order = event["order"]
        error = event["serviceError"]
        condition = error["Error"]
        message = _message(error.get("Cause", ""))
    elif "detail" in event:
        order = json.loads(event["detail"]["input"])["order"]
        condition = f"the execution ended as {event['detail']['status']}"
        message = ""
    else:
        return event
    return {"requestPayload": order, "requestContext": {"condition": condition}, "responsePayload": {"errorMessage": message}}


def _message(cause: str) -> str:
    """What a function said, or a state."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause


def _fail_interval(table: Table, detector: Detector, moment: datetime, reason: str) -> None:
    """Note that the interval which was due ended the function; whoever runs next goes by single intervals."""
    runs = Runs(table, detector.name, detector.generation)
    pointer = runs.pointer()
    metric_sets = Resources(table).metric_sets(detector.arn)
    if pointer is None or not metric_sets or Timeline.of(metric_sets[0]).due_at(pointer.next) > moment.timestamp():
        return
    runs.move(pointer, replace(pointer, deaths=pointer.deaths + 1))
    runs.record([ExecutionRecord(pointer.next, "FAILED", reason)])


def describe_failure(record: Mapping[str, Any]) -> str:
    """How a task ended and what may help, in at most 256 characters.

    >>> describe_failure({
    ...     "requestPayload": {"task": "learn"},
    ...     "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
    ...     "responsePayload": {"errorMessage": "RequestId: 1-2 Error: Runtime exited with error: signal: killed"},
    ... })
    'learning was given up after 3 attempts: Runtime exited with error: signal: killed; probably out of memory: raise RunMemory'
    """
    context = record["requestContext"]
    task = record["requestPayload"]["task"]
    attempts = context.get("approximateInvokeCount")
    cause = _PREFIX.sub("", (record.get("responsePayload") or {}).get("errorMessage") or context["condition"])
    hint = next((f"; {hint}" for sign, hint in _HINTS.items() if sign in cause), "")
    title = TASKS[task].title if task in TASKS else "the run"
    text = f"{title} was given up after {attempts} attempts: " if attempts else f"{title} in shards was given up: "
    return text + shorten(cause, LONGEST_REASON - len(text) - len(hint)) + hint
