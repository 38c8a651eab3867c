"""What a detector costs a month in AWS, by size and interval, beside what Lookout for Metrics charged for the same."""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INTERVAL_MINUTES = {"PT5M": 5, "PT10M": 10, "PT1H": 60, "P1D": 1440}
SERIES = (100, 1_000, 50_000)
MINUTES_A_MONTH = 30 * 24 * 60
PRICES = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Usage:
    """What one run of a detector takes; the defaults were measured, on the safe side."""

    detection_gb: float = 2.0  # memory of run-detection
    seconds_a_run: float = 1.5  # start, DynamoDB, S3 round trips
    seconds_a_series: float = 40e-6  # read, detect, explain, save
    crawl_gb: float = 0.5  # memory of the crawl, which is called twice an interval: tick and statement event
    crawl_seconds: float = 1.0
    state_bytes_a_series: int = 2_000
    row_bytes: int = 60  # one line of the crawled CSV file
    point_bytes: int = 16  # value, expected, lower, upper as kept for the time-series view
    kept_days: int = 395  # crawled rows and points that are kept
    s3_puts_a_run: int = 4
    s3_gets_a_run: int = 6
    table_writes_a_run: int = 8
    table_reads_a_run: int = 20
    anomalous_a_point: float = 0.0005  # share of points that end up in an anomaly group
    log_bytes_a_run: int = 4_000
    alarms: int = 10
    dashboards: int = 1
    metrics: int = 6


def monthly_cost(series: int, interval: str, prices: dict[str, Any], usage: Usage | None = None) -> dict[str, float]:
    """Dollars a month of one detector, by service; Redshift itself is not counted.

    >>> sum(monthly_cost(100, "P1D", json.loads(PRICES.read_text())).values()) < 10
    True
    """
    if series < 1:
        raise ValueError(f"series must be 1 or more, not {series}")
    usage = usage or Usage()
    runs = MINUTES_A_MONTH / INTERVAL_MINUTES[interval]
    stored_runs = runs * usage.kept_days / 30
    stored_gb = (series * usage.state_bytes_a_series + stored_runs * series * (usage.row_bytes + usage.point_bytes)) / 1e9
    anomaly_writes = runs * series * usage.anomalous_a_point
    detection = usage.detection_gb * (usage.seconds_a_run + series * usage.seconds_a_series)
    return {
        "Lambda": runs
        * ((detection + 2 * usage.crawl_gb * usage.crawl_seconds) * prices["lambda_gb_second_arm"] + 3 * prices["lambda_request"]),
        "S3": runs * (usage.s3_puts_a_run * prices["s3_put"] + usage.s3_gets_a_run * prices["s3_get"]) + stored_gb * prices["s3_gb_month"],
        "DynamoDB": (runs * usage.table_writes_a_run + anomaly_writes) * prices["dynamodb_write"]
        + runs * usage.table_reads_a_run * prices["dynamodb_read"]
        + anomaly_writes * usage.kept_days / 30 * 1e-6 * prices["dynamodb_gb_month"],
        "EventBridge": runs * (prices["scheduler_invocation"] + 2 * prices["event"]),
        "CloudWatch": usage.alarms * prices["cloudwatch_alarm_month"]
        + usage.dashboards * prices["cloudwatch_dashboard_month"]
        + usage.metrics * prices["cloudwatch_metric_month"]
        + runs * usage.log_bytes_a_run / 1e9 * prices["cloudwatch_log_gb"],
        "Secret": prices["secret_month"],
    }


def lookout_cost(metrics: int, tiers: list[tuple[int | None, float]]) -> float:
    """Dollars a month that Lookout for Metrics charged for a number of metrics (time series).

    >>> lookout_cost(5000, [(1000, 0.75), (5000, 0.5), (None, 0.25)])
    2750.0
    """
    total, below = 0.0, 0
    for upto, price in tiers:
        counted = max(0, min(metrics, upto if upto is not None else math.inf) - below)
        total += counted * price
        below = upto if upto is not None else metrics
    return total


def table(prices: dict[str, Any]) -> str:
    """The comparison as a Markdown table."""
    lines = [
        f"Prices of {prices['region']} as of {prices['as_of']}, {prices['currency']} a month for one detector; Redshift not counted.",
        "",
        "| series | " + " | ".join(INTERVAL_MINUTES) + " | Lookout for Metrics charged |",
        "|---:|" + "---:|" * (len(INTERVAL_MINUTES) + 1),
    ]
    for series in SERIES:
        ours = [f"{sum(monthly_cost(series, interval, prices).values()):,.2f}" for interval in INTERVAL_MINUTES]
        lines.append(f"| {series:,} | " + " | ".join(ours) + f" | {lookout_cost(series, prices['lookout_metric_month']):,.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, help="one size only, split by service")
    parser.add_argument("--interval", choices=INTERVAL_MINUTES, default="PT1H", help="with --series (default: %(default)s)")
    parser.add_argument("--prices", type=Path, default=PRICES, help="price list (default: scripts/prices.json)")
    arguments = parser.parse_args()
    prices = json.loads(arguments.prices.read_text(encoding="utf-8"))
    if arguments.series is None:
        print(table(prices))
        return 0
    if arguments.series < 1:
        parser.error(f"--series must be 1 or more, not {arguments.series}")
    for service, dollars in monthly_cost(arguments.series, arguments.interval, prices).items():
        print(f"{service:<12} {dollars:10.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
