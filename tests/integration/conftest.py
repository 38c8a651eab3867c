"""The whole application on a local cloud: one cloud for all tests, one stack each."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from localaws import LocalAws
from localaws.demo.flow import Flow
from localaws.demo.stage import Sample
from localaws.waiting import wait_until

REPLAY_START = datetime(2022, 1, 19, 13, tzinfo=UTC)  # mobile_web in de falls to a quarter at 16:00
HOURS = 6
SHOP = Sample("ecommerce", REPLAY_START, REPLAY_START + timedelta(hours=HOURS), (1, 2))
numbers = count(1)


class Shop(Flow):
    """The ecommerce sample as one stack, with what a test asks about its end state."""

    def params(self, **changes: Any) -> bytes:
        """The shop's params; history ends where the replay begins."""
        return super().params(**{"historical_end": REPLAY_START.isoformat(), **changes})

    def alerts(self) -> list[tuple[Any, ...]]:
        """What the alert told since the last look: time, measure, score."""
        told = [message for message in self.inbox() if "anomalyGroupId" in message]
        return sorted((alert["timestamp"], alert["impactedMetric"]["metricName"], alert["anomalyScore"]) for alert in told)

    def replay_hours(self, first: int = 1, last: int = HOURS) -> None:
        """Fire the cron rules and schedules from the first to the last hour's end."""
        begin = REPLAY_START + timedelta(hours=first)
        self.aws.fire(begin, REPLAY_START + timedelta(hours=last, minutes=10))

    def functions(self) -> list[str]:
        """Names of this stack's functions."""
        return [
            item["FunctionName"]
            for item in self.aws.client("lambda").list_functions()["Functions"]
            if item["FunctionName"].startswith(self.stack)
        ]

    def kill_next(self, part: str) -> None:
        """Let the function whose name holds ``part`` die in its next call."""
        (name,) = [name for name in self.functions() if f"{part}-" in name or name.endswith(part)]
        self.aws.kill_function(name)

    def settle(self) -> None:
        """Wait until no execution runs any more."""

        def is_still() -> bool:
            self.aws.wait_idle(120)
            return all(execution["status"] != "RUNNING" for execution in self.executions())

        wait_until("every execution to end", is_still, 240)

    def rows(self, folder: str) -> list[tuple[str, ...]]:
        """All rows below a folder of the input bucket, sorted, however many files they lie in."""
        s3, bucket, rows = self.aws.client("s3"), self.outputs["InputBucketName"], []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{self.sample.name}/{folder}/"):
            for item in page.get("Contents", ()):
                text = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
                rows += [tuple(row) for row in list(csv.reader(io.StringIO(text)))[1:]]
        return sorted(rows)

    def status(self) -> dict[str, Any]:
        """params.status.json."""
        body = self.aws.client("s3").get_object(Bucket=self.outputs["InputBucketName"], Key="params.status.json")["Body"]
        return dict(json.loads(body.read()))

    def my_detector(self) -> dict[str, Any]:
        """This stack's detector with its metric set and alert, without times."""
        client = self.lookout()
        (detector,) = client.list_anomaly_detectors()["AnomalyDetectorSummaryList"]
        arn = detector["AnomalyDetectorArn"]
        (metric_set,) = client.list_metric_sets(AnomalyDetectorArn=arn)["MetricSetSummaryList"]
        (alert,) = client.list_alerts(AnomalyDetectorArn=arn)["AlertSummaryList"]
        described = client.describe_metric_set(MetricSetArn=metric_set["MetricSetArn"])
        return {
            "status": detector["Status"],
            "dimensions": described["DimensionList"],
            "measures": [metric["MetricName"] for metric in described["MetricList"]],
            "threshold": alert["AlertSensitivityThreshold"],
        }

    def groups(self) -> list[tuple[Any, ...]]:
        """All anomaly groups: time, measure, score."""
        client = self.lookout()
        (detector,) = client.list_anomaly_detectors()["AnomalyDetectorSummaryList"]
        listed = client.list_anomaly_group_summaries(
            AnomalyDetectorArn=detector["AnomalyDetectorArn"], SensitivityThreshold=0, MaxResults=100
        )
        return sorted(
            (group["StartTime"], group["PrimaryMetricName"], group["AnomalyGroupScore"]) for group in listed["AnomalyGroupSummaryList"]
        )

    def executed(self) -> list[tuple[str, str]]:
        """All intervals that were run, and how."""
        client = self.lookout()
        (detector,) = client.list_anomaly_detectors()["AnomalyDetectorSummaryList"]
        listed = client.describe_anomaly_detection_executions(AnomalyDetectorArn=detector["AnomalyDetectorArn"], MaxResults=100)
        return sorted((execution["Timestamp"], execution["Status"]) for execution in listed["ExecutionList"])

    def lookout(self) -> Any:
        """The API's client."""
        return self.aws.client("lookoutmetrics")

    def end_state(self) -> dict[str, Any]:
        """Everything that must not depend on what happened on the way."""
        return {
            "history": self.rows("backtest"),
            "live": self.rows("live"),
            "detector": self.my_detector(),
            "groups": self.groups(),
            "executed": self.executed(),
            "alerts": self.alerts(),
        }


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local cloud with IAM enforced."""
    with LocalAws.start(tmp_path_factory.mktemp("cloud") / "home") as aws:
        yield aws


@pytest.fixture(scope="session")
def around(cloud: LocalAws) -> dict[str, str]:
    """A Redshift filled with the shop's tables."""
    flow = Flow(cloud, SHOP)
    flow.load()
    return flow.around


@pytest.fixture(scope="session")
def undisturbed(cloud: LocalAws, around: dict[str, str]) -> dict[str, Any]:
    """The end state of a flow that nothing happened to."""
    shop = Shop(cloud, SHOP, "undisturbed", around)
    shop.deploy()
    shop.upload(shop.params())
    shop.replay_hours()
    state = shop.end_state()
    cloud.delete_stack(shop.stack)
    return state


@pytest.fixture
def deploy(cloud: LocalAws, around: dict[str, str]) -> Iterator[Callable[..., Shop]]:
    """Deploys the application as a stack of its own, which goes with the test."""
    shops: list[Shop] = []

    def make(template: Path | None = None) -> Shop:
        shop = Shop(cloud, SHOP, f"shop{next(numbers)}", around)
        shops.append(shop)
        shop.inbox()
        shop.deploy(template)
        return shop

    yield make
    for shop in shops:
        cloud.delete_stack(shop.stack)


@pytest.fixture
def shop(deploy: Callable[..., Shop]) -> Shop:
    """The application, deployed and untouched."""
    return deploy()


@pytest.fixture(scope="module")
def idle_shop(cloud: LocalAws, around: dict[str, str]) -> Iterator[Shop]:
    """The application, deployed once for the tests that start nothing."""
    shop = Shop(cloud, SHOP, f"shop{next(numbers)}", around)
    shop.deploy()
    yield shop
    cloud.delete_stack(shop.stack)
