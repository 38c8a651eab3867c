"""The schedule that starts a detector's runs: at each interval's end plus the offset."""

from __future__ import annotations

import json
from typing import Any

from l4m.model import Frequency, MetricSet
from l4m.service.context import Context
from l4m.service.runs.detector_job import Assignment

MINUTE, DAY = 60, 86_400
RETRIES = 3
OLDEST_EVENT_SECONDS = 3600


def start_schedule(assignment: Assignment) -> None:
    """Have the detector run from now on; an existing schedule is brought up to date."""
    scheduler = assignment.context.clients.client("scheduler")
    wanted = _schedule(assignment)
    try:
        scheduler.create_schedule(**wanted)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**wanted)


def stop_schedule(context: Context, detector_name: str) -> None:
    """End the runs; no schedule is fine too."""
    scheduler = context.clients.client("scheduler")
    try:
        scheduler.delete_schedule(Name=detector_name, GroupName=context.facilities.schedule_group)
    except scheduler.exceptions.ResourceNotFoundException:
        return


def cron_of(metric_set: MetricSet) -> str:
    """When the interval's end plus the offset comes round, rounded up to a minute."""
    minutes = -(-metric_set.offset_seconds // MINUTE)
    length = metric_set.frequency.seconds // MINUTE
    if metric_set.frequency is Frequency.P1D:
        minutes %= DAY // MINUTE
        return f"cron({minutes % 60} {minutes // 60} * * ? *)"
    if metric_set.frequency is Frequency.PT1H:
        return f"cron({minutes % 60} * * * ? *)"
    return f"cron({minutes % length}/{length} * * * ? *)"


def _schedule(assignment: Assignment) -> dict[str, Any]:
    facilities, detector = assignment.context.facilities, assignment.detector
    event = {"detector": detector.arn, "task": "run", "time": "<aws.scheduler.scheduled-time>"}
    return {
        "Name": detector.name,
        "GroupName": facilities.schedule_group,
        "ScheduleExpression": cron_of(assignment.metric_set),
        "ScheduleExpressionTimezone": assignment.metric_set.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Description": f"Runs of the detector {detector.name}",
        "Target": {
            "Arn": assignment.context.run_function_arn,
            "RoleArn": facilities.schedule_role_arn,
            "Input": json.dumps(event),
            "RetryPolicy": {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS},
        }
        | ({"DeadLetterConfig": {"Arn": facilities.schedule_queue_arn}} if facilities.schedule_queue_arn else {}),
    }
