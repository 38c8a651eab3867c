"""A cron tick, or a statement that ended: unload the windows that are due, commit the ones that are done."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

import crawls
from loader import Loader

QUERY = Path(__file__).with_name("query.sql").read_text(encoding="utf-8")
STATEMENT_ENDED = "Redshift Data Statement Status Change"
logger = Logger(service="redshift-continuous-crawl")
metrics = Metrics(namespace="L4M", service="redshift-continuous-crawl")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take either event; only a tick's time decides which windows are due."""
    tick = None if event["detail-type"] == STATEMENT_ENDED else datetime.fromisoformat(event["time"])
    return crawls.crawl_windows(tick, QUERY, loader, logger, metrics)
