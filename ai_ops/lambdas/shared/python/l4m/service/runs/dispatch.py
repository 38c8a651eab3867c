"""Which task of a detector an invocation of the run function asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from l4m.arns import DETECTOR, name_of
from l4m.errors import NotFound
from l4m.service.context import Context
from l4m.service.runs.ending import deactivate, delete, reschedule
from l4m.service.runs.learning import backtest, learn
from l4m.service.runs.live import run_detector
from l4m.service.runs.schedules import stop_schedule
from l4m.service.runs.sharded_learning import OVER, Step, advance, clear, join, learn_shard

STEPS = {"shard": learn_shard, "join": join, "advance": advance, "clear": clear}


def correlation_id(context: Context, detector_arn: str) -> str:
    """What the log lines of a detector's tasks are found by; those of one that is gone, by its ARN."""
    try:
        return context.resources.detector(detector_arn).correlation_id
    except NotFound:
        return detector_arn


def perform(context: Context, event: Mapping[str, Any]) -> Step:
    """Do one task; what a detector asks for that is gone meanwhile is done already. Steps of a machine say how it goes on."""
    try:
        if event["task"] in STEPS:
            return STEPS[event["task"]](context, event)
        _perform(context, event)
    except NotFound as error:
        if error.kind != DETECTOR:
            raise
        if event["task"] == "run":
            stop_schedule(context, name_of(event["detector"]))
    return OVER


def _perform(context: Context, event: Mapping[str, Any]) -> None:
    detector = event["detector"]
    task = event["task"]
    if task == "run":
        if run_detector(context, detector, _epoch(event["time"])):
            context.clients.client("lambda").invoke(
                FunctionName=context.run_function_arn, InvocationType="Event", Payload=json.dumps(dict(event)).encode()
            )
    elif task == "learn":
        learn(context, detector, event["generation"])
    elif task == "backtest":
        backtest(context, detector, event["generation"])
    elif task == "deactivate":
        deactivate(context, detector, event["generation"])
    elif task == "delete":
        delete(context, detector)
    elif task == "schedule":
        reschedule(context, detector)
    else:
        raise ValueError(f"task {task!r} is unknown")


def _epoch(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())
