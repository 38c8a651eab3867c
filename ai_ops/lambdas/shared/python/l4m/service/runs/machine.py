"""The state machine that learns in shards: one execution for each order of a detector, which ends when the order is called off."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256

from l4m.model import Detector
from l4m.service.context import Context
from l4m.service.runs.detector_job import DetectorJob
from l4m.store.parts import Parts, Plan

LONGEST_NAME = 50  # of a detector, in the name of an execution


def start_machine(job: DetectorJob, plan: Plan) -> None:
    """Have the plan carried out, once: whoever comes second finds the machine at work on the first one's plan."""
    detector = job.detector
    parts = Parts.begin(job.bucket, job.prefix, plan)
    order = {"detector": detector.arn, "task": plan.task, "generation": detector.generation}
    client = job.context.clients.client("stepfunctions")
    with suppress(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(
            stateMachineArn=job.context.environment.learn_machine_arn,
            name=_execution_name(detector),
            input=json.dumps(
                {
                    "order": order,
                    "parts": parts.prefix,
                    "shards": list(range(plan.shards)),
                    "at_once": job.context.environment.shards_at_once,
                }
            ),
        )


def stop_machine(context: Context, detector: Detector) -> None:
    """End what the machine does for a detector's last order; nothing is fine too."""
    client = context.clients.client("stepfunctions")
    executions = context.environment.learn_machine_arn.replace(":stateMachine:", ":execution:")
    with suppress(client.exceptions.ExecutionDoesNotExist):
        client.stop_execution(executionArn=f"{executions}:{_execution_name(detector)}", cause=f"{detector.name} is {detector.status}")


def _execution_name(detector: Detector) -> str:
    digest = sha256(f"{detector.arn} {detector.generation}".encode()).hexdigest()[:16]  # long names may begin alike
    return f"{detector.name[:LONGEST_NAME]}-{detector.generation}-{digest}"
