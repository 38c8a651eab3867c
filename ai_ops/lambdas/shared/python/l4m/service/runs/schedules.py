"""The schedule that starts a detector's runs: at each interval's end plus the offset."""

from __future__ import annotations

import json
from typing import Any

from l4m.model import Frequency, MetricSet
from l4m.service.context import Context
from l4m.service.runs.detector_job import DetectorJob

MINUTE, DAY = 60, 86_400
RETRIES = 3
OLDEST_EVENT_SECONDS = 3600


def start_schedule(job: DetectorJob) -> None:
    """Have the detector run from now on; an existing schedule is brought up to date."""
    scheduler = job.context.clients.client("scheduler")
    wanted = _schedule(job)
    try:
        scheduler.create_schedule(**wanted)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**wanted)


def stop_schedule(context: Context, detector_name: str) -> None:
    """End the runs; no schedule is fine too."""
    scheduler = context.clients.client("scheduler")
    try:
        scheduler.delete_schedule(Name=detector_name, GroupName=context.environment.schedule_group)
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


def _schedule(job: DetectorJob) -> dict[str, Any]:
    environment = job.context.environment
    detector = job.detector
    event = {"detector": detector.arn, "task": "run", "time": "<aws.scheduler.scheduled-time>"}
    return {
        "Name": detector.name,
        "GroupName": environment.schedule_group,
        "ScheduleExpression": cron_of(job.metric_set),
        "ScheduleExpressionTimezone": job.metric_set.timezone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Description": f"Runs of the detector {detector.name}",
        "Target": {
            "Arn": job.context.run_function_arn,
            "RoleArn": environment.schedule_role_arn,
            "Input": json.dumps(event),
            "RetryPolicy": {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS},
        }
        | ({"DeadLetterConfig": {"Arn": environment.schedule_queue_arn}} if environment.schedule_queue_arn else {}),
    }
