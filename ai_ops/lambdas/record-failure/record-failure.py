"""Where a detector's task ends that Lambda gave up on: its detector says so, and the queue rings the alarm."""

import json
import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from l4m.service.failures import record_failure
from l4m.store.table import Table
from loader import Loader

logger = Logger(service="record-failure")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take the record that Lambda makes of an event whose last attempt failed."""
    logger.error("task was given up", task=event["requestPayload"], answer=event.get("responsePayload"))
    record_failure(Table(loader.dynamodb, os.environ["TABLE_NAME"]), loader.cloudwatch, event, datetime.now(UTC))
    loader.sqs.send_message(QueueUrl=os.environ["FAILED_RUNS_URL"], MessageBody=json.dumps(event))
