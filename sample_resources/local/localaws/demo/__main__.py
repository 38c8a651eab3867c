"""Run the demo from start to end and tell what happens."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from localaws.client import LocalAws, LocalAwsError
from localaws.demo.flow import DemoError, Flow
from localaws.demo.report import alert_table, alerts_of, incident_table, incidents_of
from localaws.demo.stage import DIALECTS, SAMPLES, Sample
from localaws.postgresql import Server, running

SHOWN_INCIDENTS = 12
SHOWN_ALERTS = 15
console = Console()


@click.command(
    help="History out of a database, a detector, five days of cron events, incidents with their causes - on this machine, no AWS account."
)
@click.option("--data", type=click.Choice(sorted(SAMPLES)), default="flights", show_default=True, help="Which sample data to run on.")
@click.option("--database", type=click.Choice(sorted(DIALECTS)), default="redshift", show_default=True, help="Where the data lies.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the outcome as JSON as well.")
def main(data: str, database: str, report: Path | None) -> None:
    """Run everything in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="l4m-demo-") as folder:
        try:
            with running() if database == "postgresql" else nullcontext() as server:
                outcome = run(SAMPLES[data], Path(folder) / "aws", server)
        except (DemoError, LocalAwsError) as error:
            console.print(f"[red]The demo failed:[/] {error}", highlight=False)
            sys.exit(1)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(outcome, indent=1) + "\n", encoding="utf-8")
        console.print(f"Written: {report}")


def run(sample: Sample, home: Path, server: Server | None = None) -> dict[str, Any]:
    """All phases on one local cloud; return the report."""
    seconds: dict[str, float] = {}
    with phase("Starting the local AWS", "start", seconds):
        aws = LocalAws.start(home)
    with aws:
        flow = Flow(aws, sample, server=server)
        with phase(f"Loading {sample.name} into {'PostgreSQL' if server else 'Redshift'} with COPY", "load", seconds):
            flow.load()
        with phase("Deploying service, connector and crawl (IAM enforced)", "deploy", seconds):
            flow.deploy()
        with phase("params.json uploaded: crawling history, learning", "learn", seconds):
            flow.upload(flow.params(alert_threshold=sample.thresholds[0]))
        replay(flow, seconds)
        messages = flow.inbox()
        found = incidents_of(messages)
        alerts = alerts_of(messages)
        show(found, alerts, ZoneInfo("America/New_York" if sample.name == "flights" else "UTC"))
        change_threshold(flow, seconds)
        return {"seconds": seconds, "incidents": found, "alerts": alerts, "executions": len(flow.executions())}


def replay(flow: Flow, seconds: dict[str, float]) -> None:
    """Fire the cron rules and schedules of five days, with a bar."""
    begin = time.monotonic()
    start, end = flow.sample.replay_start, flow.sample.replay_end
    title = f"Replaying the hourly events of {start:%Y-%m-%d} to {end:%Y-%m-%d}"
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=(end - start).total_seconds())
        for reached in flow.replay():
            progress.update(task, completed=(reached - start).total_seconds(), description=f"{title}: {reached:%m-%d %H:%M}")
    seconds["replay"] = round(time.monotonic() - begin, 2)


def show(found: list[dict[str, Any]], alerts: list[dict[str, Any]], zone: ZoneInfo) -> None:
    """Print the worst incidents and alerts."""
    console.print()
    console.print(incident_table(found[:SHOWN_INCIDENTS], zone))
    console.print()
    worst = sorted(alerts, key=lambda alert: -alert["anomalyScore"])[:SHOWN_ALERTS]
    console.print(alert_table(sorted(worst, key=lambda alert: alert["timestamp"]), zone))
    console.print(
        f"{len(found)} incidents, {len(alerts)} alerts; at most {SHOWN_INCIDENTS} and {SHOWN_ALERTS} are shown, times are of {zone}.\n"
    )


def change_threshold(flow: Flow, seconds: dict[str, float]) -> None:
    """Upload the params once more with another threshold and show what that did, and what it did not."""
    before = (flow.statements(), flow.detector())
    first, second = flow.sample.thresholds
    with phase(f"params.json again, alert_threshold {first} → {second}", "change", seconds):
        flow.upload(flow.params(alert_threshold=second))
    after = (flow.statements(), flow.detector())
    if after[0] != before[0] or after[1]["Status"] != before[1]["Status"]:
        raise DemoError(f"a changed threshold crawled or learned anew: {before} became {after}")
    (alert,) = flow.aws.client("lookoutmetrics").list_alerts(AnomalyDetectorArn=after[1]["AnomalyDetectorArn"])["AlertSummaryList"]
    threshold = alert["AlertSensitivityThreshold"]
    status = after[1]["Status"]
    console.print(f"The alert's threshold is {threshold} now; no statement was sent to the database, the detector is still {status}.")


@contextmanager
def phase(title: str, key: str, seconds: dict[str, float]) -> Iterator[None]:
    """Show that a phase runs, and how long it took."""
    begin = time.monotonic()
    with console.status(title):
        yield
    seconds[key] = round(time.monotonic() - begin, 2)
    console.print(f"[green]✓[/] {title} [dim]{seconds[key]:.1f} s[/]", highlight=False)


if __name__ == "__main__":
    main()
