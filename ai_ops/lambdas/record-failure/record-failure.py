"""Where a detector's task ends that Lambda or a state machine gave up on: its detector says so, and the queue rings the alarm."""

import json
import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from l4m.service.runs.failures import read_record, record_failure
from l4m.store.table import Table
from loader import Loader

logger = Logger(service="record-failure")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take the record that Lambda makes of an event whose last attempt failed, or what the state machine has of its own end."""
    record = read_record(event)
    has_failed = record_failure(Table(loader.dynamodb, os.environ["TABLE_NAME"]), loader.cloudwatch, record, datetime.now(UTC))
    if not has_failed:
        logger.info("task was out of date", task=record["requestPayload"])
        return
    logger.error("task was given up", task=record["requestPayload"], answer=record.get("responsePayload"))
    loader.sqs.send_message(QueueUrl=os.environ["FAILED_RUNS_URL"], MessageBody=json.dumps(record))
