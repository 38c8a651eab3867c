"""How an execution of the state machine ended, as people read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from l4m.connector.status import Outcome

STOPPED = {"ABORTED": "ExecutionAborted", "TIMED_OUT": "States.Timeout"}


@dataclass(frozen=True)
class Ending:
    """The outcome, what there is to say of it, and the text that is sent."""

    outcome: Outcome
    fields: Mapping[str, Any]
    subject: str
    text: str


def last_state(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The machine's state at its end; of an execution that was stopped from outside, what EventBridge tells about it."""
    if "detail" not in event:
        return event
    detail = event["detail"]
    fault = {"Error": STOPPED[detail["status"]], "Cause": detail.get("cause") or "the execution was stopped from outside"}
    return {**json.loads(detail["input"]), "serviceError": fault, "failedState": "Execution"}


def ending(event: Mapping[str, Any], advise: Callable[[str], str]) -> Ending:
    """Read the machine's last state: ``serviceError`` and ``failedState`` stand there when it failed."""
    fault = event.get("serviceError")
    return _failure(event, fault, advise) if fault else _success(event)


def _success(event: Mapping[str, Any]) -> Ending:
    params = event["params"]
    crawl = params.get("crawl", {})
    detector = params.get("detector", {})
    fields = {"history_rows": crawl.get("rows"), "detector": detector.get("arn"), "detector_status": detector.get("detector_status")}
    lines = [
        f"params.json in {event['bucket']} was applied.",
        "",
        f"Detector: {detector.get('arn')} ({detector.get('detector_status')})",
        f"Rows of history: {crawl.get('rows')}",
        f"Changes: {'; '.join(detector.get('changes', ())) or 'none'}",
    ]
    return Ending(Outcome.SUCCEEDED, fields, "The detector is set up", "\n".join(lines))


def _failure(event: Mapping[str, Any], fault: Mapping[str, str], advise: Callable[[str], str]) -> Ending:
    error = fault.get("Error", "unknown")
    state = event.get("failedState", "unknown")
    cause = _cause(fault.get("Cause", ""))
    what_to_do = advise(error)
    fields = {"failed_state": state, "error": error, "cause": cause, "what_to_do": what_to_do}
    outcome = Outcome.SUPERSEDED if error == "Superseded" else Outcome.FAILED
    lines = [
        f"params.json in {event.get('bucket')} was not applied.",
        "",
        f"State: {state}",
        f"Error: {error}",
        f"Cause: {cause}",
        f"What to do: {what_to_do}",
    ]
    return Ending(outcome, fields, f"{state}: {error}", "\n".join(lines))


def _cause(text: str) -> str:
    """The message inside the JSON that a failed function leaves; the text itself when it is something else."""
    try:
        given = json.loads(text)
    except ValueError:
        return text
    return str(given.get("errorMessage", text)) if isinstance(given, dict) else text
