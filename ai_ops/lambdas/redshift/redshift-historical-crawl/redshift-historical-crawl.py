"""First state of the machine: unload Redshift's history into the bucket, one step a call."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import parameters
from l4m.connector.crawl import Crawl
from l4m.connector.history import HistoryCrawl
from l4m.connector.machine import Patience, crawl_result, uploaded_params
from l4m.databases.database import Target
from loader import Loader

QUERY = Path(__file__).with_name("query.sql").read_text(encoding="utf-8")
logger = Logger(service="redshift-historical-crawl")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the machine's state; return what it keeps as ``$.params.crawl``."""
    logger.append_keys(correlation_id=event["version"])
    place = (parameters.optional(name) for name in ("REDSHIFT_CLUSTER", "REDSHIFT_WORKGROUP", "KMS_KEY_ARN"))
    target = Target(*place)
    crawl = HistoryCrawl(
        crawl=Crawl(loader, event["bucket"], target, parameters.required("STATEMENT_NAME")),
        query_text=QUERY,
        given=uploaded_params(event),
        version=event["version"],
        uploaded=datetime.fromisoformat(event["currentDate"]),
        limit_seconds=parameters.whole_number("HISTORY_LIMIT_SECONDS", 86400),
    )
    patience = Patience(parameters.whole_number("WAIT_SECONDS", 5), parameters.whole_number("LONGEST_WAIT_SECONDS", 60))
    result = crawl_result(event, crawl.advance(datetime.now(UTC)), patience)
    logger.info("history looked at", **result)
    return result
