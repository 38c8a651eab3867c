"""The detection service's door: a signed HTTP call of the Lookout for Metrics API, and its answer."""

import json
import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from l4m.api.app import handle
from l4m.api.gateway import request_from_event, response_to_event
from l4m.service.context import Context, Limits
from l4m.store.table import Table
from loader import Loader

LIMITS = Limits(**json.loads(os.environ["QUOTAS"]))
passed_roles: dict[tuple[str, str], datetime] = {}
loader = Loader(via=os.environ["DATA_ACCESS_ROLE_ARN"])


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an HTTP API event (payload 2.0); return status, headers and body."""
    surroundings = Context(
        clients=loader,
        table=Table(loader.dynamodb, os.environ["TABLE_NAME"]),
        bucket=os.environ["STATE_BUCKET"],
        region=os.environ["AWS_REGION"],
        account=os.environ["ACCOUNT_ID"],
        partition=os.environ["PARTITION"],
        now=datetime.now(UTC),
        run_function_arn=os.environ["RUN_FUNCTION_ARN"],
        passed_roles=passed_roles,
        limits=LIMITS,
    )
    return response_to_event(handle(request_from_event(event), surroundings))
