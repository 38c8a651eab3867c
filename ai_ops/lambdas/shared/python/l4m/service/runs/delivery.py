"""Emptying the outbox: each message is claimed, sent, and settled, so that none is lost and none goes out twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger

from l4m.alerts.delivery import Courier
from l4m.alerts.metrics import Metrics
from l4m.alerts.notices import EVENT
from l4m.service.runs.detector_job import DetectorJob
from l4m.store.outbox import DELIVERED, UNDELIVERED, Message

MOST_ATTEMPTS = 3
CLAIM_LASTS = timedelta(minutes=16)  # longer than a function may run: whoever claimed before that is gone

logger = Logger(service="run-detection", child=True)


def deliver(job: DetectorJob, metrics: Metrics) -> None:
    """Send what waits; a message that fails again and again, or whose sender died while sending, goes to the queue."""
    courier = Courier(job.context.clients, job.context.environment.event_bus)
    now = job.context.now
    for message in list(job.outbox.waiting()):
        if message.claimed and message.claimed > (now - CLAIM_LASTS).timestamp():
            continue
        claimed = job.outbox.claim(message, now)
        if claimed is None:
            continue
        if message.claimed:
            _give_up(job, claimed, "its sender ended while sending; it may have arrived", metrics)
        else:
            _send(job, courier, claimed, metrics)


def _send(job: DetectorJob, courier: Courier, message: Message, metrics: Metrics) -> None:
    try:
        courier.send(message.kind, message.body)
    except Exception as error:  # noqa: BLE001 - whatever keeps one message back must not stop the others
        logger.warning("message not delivered", extra={"message_id": message.id, "error": str(error), "attempt": message.attempts})
        if message.attempts < MOST_ATTEMPTS:
            job.outbox.release(message)
        else:
            _give_up(job, message, str(error), metrics)
        return
    job.outbox.settle(message, DELIVERED)
    logger.info("message delivered", extra={"message_id": message.id, "kind": message.kind})
    _count(metrics, message.body, message.kind, is_delivered=True)


def _give_up(job: DetectorJob, message: Message, reason: str, metrics: Metrics) -> None:
    queue = job.context.environment.undelivered_queue_url
    letter = {"detector": job.detector.arn, "id": message.id, "reason": reason, "kind": message.kind, "body": message.body}
    if queue:
        job.context.clients.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(letter))
    job.outbox.settle(message, UNDELIVERED)
    _count(metrics, message.body, message.kind, is_delivered=False)


def _count(metrics: Metrics, body: Mapping[str, Any], kind: str, is_delivered: bool) -> None:
    if kind != EVENT:
        metrics.count_delivery(body["alert_arn"], is_delivered)
