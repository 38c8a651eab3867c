"""Incidents and causes as JSON: the shapes that the scorer, the service and people's scripts read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l4m.engine.results import Cause, Incident
from l4m.errors import Fault, InvalidInput


def incident_document(incidents: Sequence[Incident]) -> dict[str, Any]:
    """The document of a backtest, in order of time."""
    return {"incidents": [_incident(one) for one in sorted(incidents, key=lambda one: (one.start, one.id))]}


def cause_document(cases: Sequence[tuple[str, Sequence[Cause]]]) -> dict[str, Any]:
    """The document of an explanation."""
    return {
        "cases": [
            {"case": case, "causes": [_cause(cause) | {"change": _finite(cause.change)} for cause in causes]} for case, causes in cases
        ]
    }


def write_json(document: dict[str, Any], target: Path) -> None:
    """Write a document to a file."""
    write_whole(json.dumps(document, indent=1, allow_nan=False) + "\n", target)


def write_whole(text: str, target: Path) -> None:
    """Write a file at once: whoever is interrupted leaves the file that was there."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")  # a device or a pipe is written to, not replaced
            return
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise InvalidInput(Fault(str(target), f"cannot be written: {error.strerror}")) from error


def _incident(one: Incident) -> dict[str, Any]:
    return {
        "id": one.id,
        "start": one.start,
        "end": one.end,
        "severity": one.severity,
        "direction": one.direction,
        "measures": list(one.measures),
        "causes": [_cause(cause) for cause in one.causes],
        "series": one.series,
        "kind": one.kind,
        "noticed": one.noticed,
        "actual": one.actual,
        "expected": one.expected,
        "change": _finite(one.change),
        "is_lasting": one.is_lasting,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {"dimensions": dict(cause.dimensions), "contribution": cause.contribution}


def _finite(number: float) -> float | None:
    return number if abs(number) < float("inf") else None
