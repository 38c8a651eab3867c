"""A cron tick, or a statement that ended: unload the windows that are due, commit the ones that are done."""

from datetime import datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

import parameters
from l4m.connector.crawl import Crawl
from l4m.connector.live import LiveCrawl, Report
from l4m.databases.database import Target
from loader import Loader

QUERY = Path(__file__).with_name("query.sql").read_text(encoding="utf-8")
STATEMENT_ENDED = "Redshift Data Statement Status Change"
logger = Logger(service="redshift-continuous-crawl")
metrics = Metrics(namespace="L4M", service="redshift-continuous-crawl")
loader = Loader()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take either event; only a tick's time decides which windows are due."""
    place = (parameters.optional(name) for name in ("REDSHIFT_CLUSTER", "REDSHIFT_WORKGROUP", "KMS_KEY_ARN"))
    target = Target(*place)
    bucket = parameters.required("BUCKET")
    name = parameters.required("STATEMENT_NAME")
    crawl = Crawl(loader, bucket, target, name)
    live = LiveCrawl(crawl, QUERY, parameters.whole_number("WINDOWS_PER_RUN", 24))
    tick = None if event["detail-type"] == STATEMENT_ENDED else datetime.fromisoformat(event["time"])
    report = live.advance(tick)
    if report is None:
        logger.info("history is not crawled yet")
        _measure(lag_seconds=0, failed=0)
        return {"status": "WAITING"}
    return _told(report)


def _told(report: Report) -> dict[str, Any]:
    logger.append_keys(correlation_id=report.upload)
    for start, reason in report.failed.items():
        logger.error("window failed; the next tick tries again", window=start, reason=reason)
    _measure(report.lag_seconds, len(report.failed))
    result = {"status": "OK", "committed": report.committed, "submitted": report.submitted, "watermark": report.watermark}
    logger.info("windows looked at", lag_seconds=report.lag_seconds, **result)
    return result


def _measure(lag_seconds: int, failed: int) -> None:
    metrics.add_dimension("bucket", parameters.required("BUCKET"))
    metrics.add_metric("CrawlLag", MetricUnit.Seconds, lag_seconds)
    metrics.add_metric("WindowsFailed", MetricUnit.Count, failed)
    metrics.flush_metrics()
