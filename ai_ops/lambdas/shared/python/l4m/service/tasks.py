"""Asynchronous work: what a detector does next is done by the run function, not by the call that asked for it."""

import json

from l4m.service.context import Context


def start_task(context: Context, detector_arn: str, task: str, generation: int) -> None:
    """Have the run function do a task (learn, backtest, deactivate, delete, schedule) for one generation of a detector."""
    payload = {"detector": detector_arn, "task": task, "generation": generation}
    context.clients.client("lambda").invoke(
        FunctionName=context.run_function_arn, InvocationType="Event", Payload=json.dumps(payload).encode()
    )
