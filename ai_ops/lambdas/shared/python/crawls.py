"""What the handlers of all databases' crawls do alike: take their settings, do one step, tell what came of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

import parameters
from l4m.connector.crawl import Crawl
from l4m.connector.history import HistoryCrawl
from l4m.connector.live import LiveCrawl, Report
from l4m.connector.machine import Patience, crawl_result, uploaded_params
from l4m.databases.database import Clients, Target


def target() -> Target:
    """The database that the stack was deployed for, as far as it has a name."""
    return Target(*(parameters.optional(name) for name in ("REDSHIFT_CLUSTER", "REDSHIFT_WORKGROUP", "KMS_KEY_ARN")))


def crawl_history(event: Mapping[str, Any], query: str, clients: Clients, logger: Logger) -> dict[str, Any]:
    """One step of the historical crawl; returns what the machine keeps as ``$.params.crawl``."""
    logger.append_keys(correlation_id=event["version"])
    crawl = HistoryCrawl(
        crawl=Crawl(clients, event["bucket"], target(), parameters.required("STATEMENT_NAME")),
        query_text=query,
        given=uploaded_params(event),
        version=event["version"],
        uploaded=datetime.fromisoformat(event["currentDate"]),
        limit_seconds=parameters.whole_number("HISTORY_LIMIT_SECONDS", 86400),
    )
    patience = Patience(parameters.whole_number("WAIT_SECONDS", 5), parameters.whole_number("LONGEST_WAIT_SECONDS", 60))
    result = crawl_result(event, crawl.advance(datetime.now(UTC)), patience)
    logger.info("history looked at", **result)
    return result


def crawl_windows(tick: datetime | None, query: str, clients: Clients, logger: Logger, metrics: Metrics) -> dict[str, Any]:
    """Crawl the windows that are due at a tick; without one, only settle what is under way."""
    crawl = Crawl(clients, parameters.required("BUCKET"), target(), parameters.required("STATEMENT_NAME"))
    report = LiveCrawl(crawl, query, parameters.whole_number("WINDOWS_PER_RUN", 24)).advance(tick)
    if report is None:
        logger.info("history is not crawled yet")
        _measure(metrics, lag_seconds=0, failed=0)
        return {"status": "WAITING"}
    return _told(report, logger, metrics)


def _told(report: Report, logger: Logger, metrics: Metrics) -> dict[str, Any]:
    logger.append_keys(correlation_id=report.upload)
    for start, reason in report.failed.items():
        logger.error("window failed; the next tick tries again", window=start, reason=reason)
    _measure(metrics, report.lag_seconds, len(report.failed))
    result = {"status": "OK", "committed": report.committed, "submitted": report.submitted, "watermark": report.watermark}
    logger.info("windows looked at", lag_seconds=report.lag_seconds, **result)
    return result


def _measure(metrics: Metrics, lag_seconds: int, failed: int) -> None:
    metrics.add_dimension("bucket", parameters.required("BUCKET"))
    metrics.add_metric("CrawlLag", MetricUnit.Seconds, lag_seconds)
    metrics.add_metric("WindowsFailed", MetricUnit.Count, failed)
    metrics.flush_metrics()
