"""First state of the machine: copy PostgreSQL's history into the bucket, one step a call."""

from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

import crawls
from loader import Loader

QUERY = Path(__file__).with_name("query.sql").read_text(encoding="utf-8")
logger = Logger(service="postgresql-historical-crawl")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take the machine's state; return what it keeps as ``$.params.crawl``."""
    return crawls.crawl_history(event, QUERY, loader, logger)
