"""A cron tick: copy the windows that are due out of PostgreSQL and commit them."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

import crawls
from loader import Loader

QUERY = Path(__file__).with_name("query.sql").read_text(encoding="utf-8")
logger = Logger(service="postgresql-continuous-crawl")
metrics = Metrics(namespace="L4M", service="postgresql-continuous-crawl")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the schedule's event; its time decides which windows are due."""
    return crawls.crawl_windows(datetime.fromisoformat(event["time"]), QUERY, loader, logger, metrics)
