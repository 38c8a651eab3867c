"""Asynchronous work: what a detector does next is done by the run function, not by the call that asked for it."""

import json
from dataclasses import dataclass

from l4m.model import DetectorStatus, FailureType
from l4m.service.context import Context


@dataclass(frozen=True)
class Task:
    """Work that takes a detector out of some states, in words, and what its failure is called."""

    title: str
    states: frozenset[DetectorStatus]
    failure: FailureType


LEARN = Task("learning", frozenset({DetectorStatus.ACTIVATING}), FailureType.ACTIVATION_FAILURE)
BACKTEST = Task(
    "the backtest",
    frozenset({DetectorStatus.BACK_TEST_ACTIVATING, DetectorStatus.BACK_TEST_ACTIVE}),
    FailureType.BACK_TEST_ACTIVATION_FAILURE,
)
DEACTIVATE = Task("deactivation", frozenset({DetectorStatus.DEACTIVATING}), FailureType.DEACTIVATION_FAILURE)
DELETE = Task("deletion", frozenset({DetectorStatus.DELETING}), FailureType.DELETION_FAILURE)
UNDER_WAY = LEARN.states | BACKTEST.states  # towards something learned: until then each can be called off
TASKS = {"learn": LEARN, "backtest": BACKTEST, "deactivate": DEACTIVATE, "delete": DELETE}


def start_task(context: Context, detector_arn: str, task: str, generation: int) -> None:
    """Have the run function do a task (one of TASKS, or schedule) for one generation of a detector."""
    payload = {"detector": detector_arn, "task": task, "generation": generation}
    context.clients.client("lambda").invoke(
        FunctionName=context.run_function_arn, InvocationType="Event", Payload=json.dumps(payload).encode()
    )
