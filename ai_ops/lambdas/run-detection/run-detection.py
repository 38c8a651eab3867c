"""The detection service at work: a task of one detector, from the API or from its schedule."""

import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from l4m.service.context import Context, RunEnvironment
from l4m.service.runs.dispatch import correlation_id, perform
from l4m.store.table import Table
from loader import Loader

logger = Logger(service="run-detection")
loader = Loader(via=os.environ["DATA_ACCESS_ROLE_ARN"])


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take ``{"detector", "task", …}``: learn, backtest, run (with its ``time``), deactivate, delete, schedule, or one step in shards."""
    surroundings = Context(
        clients=loader,
        table=Table(loader.dynamodb, os.environ["TABLE_NAME"]),
        bucket=os.environ["STATE_BUCKET"],
        region=os.environ["AWS_REGION"],
        account=os.environ["ACCOUNT_ID"],
        partition=os.environ["PARTITION"],
        now=datetime.now(UTC),
        run_function_arn=context.invoked_function_arn,
        environment=RunEnvironment.from_variables(os.environ),
    )
    logger.append_keys(correlation_id=correlation_id(surroundings, event["detector"]))
    logger.info("task begins", detector=event["detector"], task=event["task"])
    return perform(surroundings, event)
