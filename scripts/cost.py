"""What a detector costs a month in AWS, by size and interval, beside what Lookout for Metrics charged for the same."""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INTERVAL_MINUTES = {"PT5M": 5, "PT10M": 10, "PT1H": 60, "P1D": 1440}
SERIES = (100, 1_000, 50_000, 200_000)
LEARNED_DAYS = 90
MINUTES_A_MONTH = 30 * 24 * 60
PRICES = Path(__file__).with_name("prices.json")


@dataclass(frozen=True)
class Usage:
    """What one run of a detector takes; seconds and bytes per series were measured on two cores, the rest is on the safe side."""

    detection_gb: float = 3008 / 1024  # memory of run-detection
    seconds_a_run: float = 3.0  # a cold start and the calls to AWS
    seconds_a_series: float = 50e-6  # state from S3, rows, detection, causes, state to S3; 22e-6 of it computing
    series_at_once: int = 50_000  # that one function learns; more are learned in shards, each of which reads all of the history
    learn_seconds_a_value: float = 1.6e-6  # at once: reading included
    read_seconds_a_value: float = 0.9e-6  # of one shard
    join_seconds_a_value: float = 2.4e-6  # counting first, learning in whichever shard, joining, the last week
    slice_intervals: int = 168  # that a shard keeps in one object, which is read twice
    transitions: int = 12  # of the machine, and two more a shard
    crawl_gb: float = 0.5  # memory of the crawl, which is called twice an interval: tick and statement event
    crawl_seconds: float = 1.0
    state_bytes_a_series: int = 2_300  # at five minutes; less at longer intervals
    states: int = 25  # that late data can go back to, and the last
    replaced_days: int = 4  # for which the bucket keeps what was replaced, at most
    row_bytes: int = 40  # a series' part of the crawled CSV file
    point_bytes: int = 16  # value, expected, lower, upper as kept for the time-series view
    kept_days: int = 395  # crawled rows and points, if they are deleted after 13 months
    s3_puts_a_run: int = 4
    s3_gets_a_run: int = 6
    table_writes_a_run: int = 8
    table_reads_a_run: int = 20
    anomalous_a_point: float = 0.0005  # share of points that end up in an anomaly group
    log_bytes_a_run: int = 4_000
    alarms: int = 9
    dashboards: int = 1
    metrics: int = 10
    redshift_rpus: int = 8  # the least of a serverless workgroup but for preview sizes
    redshift_seconds: float = 60  # a workgroup that sleeps otherwise is woken by a crawl, and paid for a minute at least

    def run_seconds(self, series: int) -> float:
        """Seconds of one run."""
        return self.seconds_a_run + series * self.seconds_a_series

    def shards(self, series: int) -> int:
        """Functions that learn side by side."""
        return math.ceil(series / self.series_at_once)

    def learn_seconds(self, series: int, intervals: int) -> float:
        """CPU seconds of learning, which are no less than the time that is paid for."""
        shards = self.shards(series)
        a_value = self.learn_seconds_a_value if shards == 1 else shards * self.read_seconds_a_value + self.join_seconds_a_value
        return series * intervals * a_value

    def state_gb(self, series: int) -> float:
        """What the detector has learned."""
        return series * self.state_bytes_a_series / 1e9

    def kept_gb(self, series: int, runs: float) -> float:
        """States, and rows and points of all the days that are kept."""
        states = self.states + runs / 30 * self.replaced_days
        return states * self.state_gb(series) + runs * self.kept_days / 30 * series * (self.row_bytes + self.point_bytes) / 1e9


def monthly_cost(series: int, interval: str, prices: dict[str, Any], usage: Usage | None = None) -> dict[str, float]:
    """Dollars a month of one detector, by service; Redshift itself is not counted.

    >>> sum(monthly_cost(100, "P1D", json.loads(PRICES.read_text())).values()) < 10
    True
    """
    if series < 1:
        raise ValueError(f"series must be 1 or more, not {series}")
    usage = usage or Usage()
    runs = MINUTES_A_MONTH / INTERVAL_MINUTES[interval]
    return {
        "Lambda": runs * lambda_cost_a_run(series, prices, usage),
        "S3": runs * (usage.s3_puts_a_run * prices["s3_put"] + usage.s3_gets_a_run * prices["s3_get"])
        + usage.kept_gb(series, runs) * prices["s3_gb_month"],
        "DynamoDB": dynamodb_cost(series, runs, prices, usage),
        "EventBridge": runs * (prices["scheduler_invocation"] + 2 * prices["event"]),
        "CloudWatch": usage.alarms * prices["cloudwatch_alarm_month"]
        + usage.dashboards * prices["cloudwatch_dashboard_month"]
        + usage.metrics * prices["cloudwatch_metric_month"]
        + runs * usage.log_bytes_a_run / 1e9 * prices["cloudwatch_log_gb"],
        "Secret": prices["secret_month"],
    }


def redshift_cost(interval: str, prices: dict[str, Any], usage: Usage | None = None) -> float:
    """Dollars a month of a serverless workgroup that nothing but the crawl wakes; a provisioned cluster costs no more for it."""
    usage = usage or Usage()
    hours = MINUTES_A_MONTH / INTERVAL_MINUTES[interval] * usage.redshift_seconds / 3600
    return float(hours * usage.redshift_rpus * prices["redshift_serverless_rpu_hour"])


def learning_cost(series: int, intervals: int, prices: dict[str, Any], usage: Usage | None = None) -> float:
    """Dollars of learning once, at the activation; in shards from 50,000 series on."""
    usage = usage or Usage()
    shards = usage.shards(series)
    cost = usage.learn_seconds(series, intervals) * usage.detection_gb * prices["lambda_gb_second_arm"]
    if shards > 1:
        objects = shards * math.ceil(intervals / usage.slice_intervals)
        cost += (usage.transitions + 2 * shards) * prices["state_transition"] + objects * (prices["s3_put"] + 2 * prices["s3_get"])
    return float(cost)


def lambda_cost_a_run(series: int, prices: dict[str, Any], usage: Usage) -> float:
    """One run of the detector and the two calls of the crawl before it."""
    gb_seconds = usage.detection_gb * usage.run_seconds(series) + 2 * usage.crawl_gb * usage.crawl_seconds
    return float(gb_seconds * prices["lambda_gb_second_arm"] + 3 * prices["lambda_request"])


def dynamodb_cost(series: int, runs: float, prices: dict[str, Any], usage: Usage) -> float:
    """Reads and writes of every run, and the groups that it finds, a kilobyte each."""
    groups = runs * series * usage.anomalous_a_point
    kept_gb = groups * usage.kept_days / 30 * 1e-6
    writes = (runs * usage.table_writes_a_run + groups) * prices["dynamodb_write"]
    return float(writes + runs * usage.table_reads_a_run * prices["dynamodb_read"] + kept_gb * prices["dynamodb_gb_month"])


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
    usage = Usage()
    lines = [
        f"Prices of {prices['region']} as of {prices['as_of']}, {prices['currency']} a month for one detector; Redshift in the last line.",
        "",
        "| series | " + " | ".join(INTERVAL_MINUTES) + " | Lookout for Metrics charged | one run | learned state | learning, once |",
        "|---:|" + "---:|" * (len(INTERVAL_MINUTES) + 4),
    ]
    for series in SERIES:
        ours = [f"{sum(monthly_cost(series, interval, prices).values()):,.2f}" for interval in INTERVAL_MINUTES]
        theirs = f"{lookout_cost(series, prices['lookout_metric_month']):,.2f}"
        size = [f"{usage.run_seconds(series):.1f} s", f"{usage.state_gb(series) * 1000:.1f} MB"]
        learning = f"{learning_cost(series, LEARNED_DAYS * 24, prices):.2f}"
        lines.append(f"| {series:,} | " + " | ".join([*ours, theirs, *size, learning]) + " |")
    woken = [f"{redshift_cost(interval, prices):,.2f}" for interval in INTERVAL_MINUTES]
    lines.append(f"| serverless Redshift, woken by the crawl alone | {' | '.join(woken)} | | | | |")
    idle = (
        prices["cloudwatch_dashboard_month"],
        usage.metrics * prices["cloudwatch_metric_month"],
        usage.alarms * prices["cloudwatch_alarm_month"],
    )
    dearest = "Of the first line, {:.2f} are the dashboard (WithDashboard=false leaves it out), {:.2f} metrics, {:.2f} alarms.".format(
        *idle
    )
    about = (
        f"{dearest} Learning from {LEARNED_DAYS} days by the hour; more than {usage.series_at_once:,} series in shards, by Step Functions."
    )
    return "\n".join([*lines, "", about])


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
    intervals = LEARNED_DAYS * 24 * 60 // INTERVAL_MINUTES[arguments.interval]
    print(f"and once, to learn from {LEARNED_DAYS} days: {learning_cost(arguments.series, intervals, prices):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
