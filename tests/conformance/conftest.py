"""The service in the local AWS, and an unmodified boto3 1.40.60 to call it with."""

import json
import math
import os
import random
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localaws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 120
OLD_PYTHON = ROOT / ".venv-conformance" / "bin" / "python"


class OldClient:
    """Makes calls through the old client's process; what it answers comes back as result, error or refusal."""

    def __init__(self, environment: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | environment
        kept.pop("AWS_DATA_PATH", None)  # its own model, not ours
        command = [str(OLD_PYTHON), str(Path(__file__).with_name("old_client.py"))]
        self._process = subprocess.Popen(command, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, operation: str, arguments: dict[str, Any], lax: bool = False) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"operation": operation, "arguments": arguments, "lax": lax}) + "\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], ANSWER_SECONDS)[0], f"no answer to {operation} within {ANSWER_SECONDS} s"
        line = self._process.stdout.readline()
        assert line, "the old client died"
        return json.loads(line)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if operation.startswith("_"):
            raise AttributeError(operation)

        def call(**arguments: Any) -> dict[str, Any]:
            answer = self.ask(operation, arguments)
            assert "result" in answer, (operation, answer)
            return answer["result"]

        return call

    def error(self, operation: str, **arguments: Any) -> tuple[str, int]:
        """Class and HTTP status of the error that a call must bring; the client's own checks are off."""
        answer = self.ask(operation, arguments, lax=True)
        assert "error" in answer, (operation, answer)
        return answer["class"], answer["error"]["ResponseMetadata"]["HTTPStatusCode"]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


@pytest.fixture(scope="session")
def old_python() -> Path:
    """The interpreter of boto3 1.40.60."""
    assert OLD_PYTHON.exists(), "scripts/install conformance makes it"
    return OLD_PYTHON


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the service in it."""
    with LocalAws.start(tmp_path_factory.mktemp("local") / "home") as cloud:
        cloud.outputs = cloud.deploy(ROOT / "ai_ops" / "l4m-service.yaml", "service")
        yield cloud


@pytest.fixture(scope="session")
def old(aws: LocalAws, old_python: Path) -> Iterator[OldClient]:
    """The old client, pointed at the local endpoint."""
    client = OldClient(aws.environment())
    yield client
    client.close()


@dataclass(frozen=True)
class Shop:
    """A shop's hourly sales in S3, a role that may read them, and a topic to shout at."""

    role: str
    topic: str
    bucket: str = "conformance-shop"

    def metric_set(self, detector_arn: str, **changes: Any) -> dict[str, Any]:
        """Arguments of a good CreateMetricSet."""
        return {
            "AnomalyDetectorArn": detector_arn,
            "MetricSetName": "orders",
            "MetricList": [{"MetricName": name, "AggregationFunction": "SUM"} for name in ("views", "revenue")],
            "DimensionList": ["platform", "marketplace"],
            "TimestampColumn": {"ColumnName": "timestamp", "ColumnFormat": "yyyy-MM-dd HH:mm:ss"},
            "MetricSetFrequency": "PT1H",
            "MetricSource": {"S3SourceConfig": self.source()},
        } | changes

    def source(self) -> dict[str, Any]:
        """An S3SourceConfig over the shop's files."""
        return {
            "RoleArn": self.role,
            "TemplatedPathList": [f"s3://{self.bucket}/live/{{{{yyyyMMdd}}}}/{{{{HHmm}}}}"],
            "HistoricalDataPathList": [f"s3://{self.bucket}/past/"],
            "FileFormatDescriptor": {"CsvFormatDescriptor": {"ContainsHeader": True, "Delimiter": ",", "FileCompression": "NONE"}},
        }

    def action(self) -> dict[str, Any]:
        """An alert's Action on the topic."""
        return {"SNSConfiguration": {"RoleArn": self.role, "SnsTopicArn": self.topic, "SnsFormat": "JSON"}}


def sales() -> str:
    """Twenty days of hourly sales; on the 18th, mobile sales in Germany fall to a tenth for four hours."""
    chance = random.Random(7)
    lines = ["timestamp,platform,marketplace,views,revenue"]
    for hour in range(24 * 20):
        moment = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hour)
        for platform in ("pc", "mobile", "tablet"):
            for marketplace in ("de", "fr"):
                views = 1000 * (1.5 + math.sin(hour * math.pi / 12)) * chance.uniform(0.97, 1.03)
                if (platform, marketplace) == ("mobile", "de") and 24 * 17 + 9 <= hour < 24 * 17 + 13:
                    views /= 10
                lines.append(f"{moment:%Y-%m-%d %H:%M:%S},{platform},{marketplace},{views:.0f},{views * 0.3:.2f}")
    return "\n".join([*lines, ""])


@pytest.fixture(scope="session")
def shop(aws: LocalAws) -> Shop:
    """The shop's bucket, role and topic in the local AWS."""
    trusted = {"Effect": "Allow", "Principal": {"AWS": aws.outputs["ServiceRoleArn"]}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = aws.client("iam").create_role(RoleName="ShopLookoutForMetricsRole", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    shop = Shop(role, aws.client("sns").create_topic(Name="alarms")["TopicArn"])
    allowed = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{shop.bucket}/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{shop.bucket}"},
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": shop.topic},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    aws.client("iam").put_role_policy(RoleName="ShopLookoutForMetricsRole", PolicyName="data", PolicyDocument=policy)
    aws.client("s3").create_bucket(Bucket=shop.bucket)
    aws.client("s3").put_object(Bucket=shop.bucket, Key="past/sales.csv", Body=sales().encode())
    return shop


@pytest.fixture(scope="session")
def await_status(old: OldClient) -> Callable[..., dict[str, Any]]:
    """Waits until a detector is in one of some states; fails when it fails."""

    def wait(arn: str, *wanted: str, seconds: float = 120) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = old.describe_anomaly_detector(AnomalyDetectorArn=arn)
            if found["Status"] in wanted:
                return found
            assert found["Status"] != "FAILED", found
            time.sleep(0.2)
        raise AssertionError(f"still {found['Status']} after {seconds} s")

    return wait


class Surroundings:
    """What calls work on: a detector whose backtest is done, one that is live, and the means to make more."""

    def __init__(self, old: OldClient, shop: Shop, await_status: Callable[..., dict[str, Any]]) -> None:
        self.old, self.shop, self.await_status = old, shop, await_status
        self.arn, self.live = self.detector("done"), self.detector("live", watched=True)
        self.metric_set = old.create_metric_set(**shop.metric_set(self.arn, Tags={"a": "b"}))["MetricSetArn"]
        self.alert = old.create_alert(AlertName="done", AnomalyDetectorArn=self.arn, Action=shop.action(), Tags={"a": "b"})["AlertArn"]
        old.back_test_anomaly_detector(AnomalyDetectorArn=self.arn)
        old.activate_anomaly_detector(AnomalyDetectorArn=self.live)
        await_status(self.arn, "BACK_TEST_COMPLETE")
        await_status(self.live, "LEARNING", "ACTIVE")
        found = old.list_anomaly_group_summaries(AnomalyDetectorArn=self.arn, SensitivityThreshold=0)["AnomalyGroupSummaryList"]
        self.group = max(found, key=lambda group: group["AnomalyGroupScore"])
        self.series = self.time_series()["TimeSeriesList"][0]["TimeSeriesId"]

    def detector(self, name: str, watched: bool = False) -> str:
        """A new detector, with a metric set if it is to be watched."""
        config = {"AnomalyDetectorFrequency": "PT1H"}
        arn = self.old.create_anomaly_detector(AnomalyDetectorName=name, AnomalyDetectorConfig=config)["AnomalyDetectorArn"]
        if watched:
            self.old.create_metric_set(**self.shop.metric_set(arn))
        return arn

    def time_series(self, **more: Any) -> dict[str, Any]:
        """The series of the most severe group."""
        asked = {"AnomalyGroupId": self.group["AnomalyGroupId"], "MetricName": self.group["PrimaryMetricName"]}
        return self.old.list_anomaly_group_time_series(AnomalyDetectorArn=self.arn, **asked, **more)


@pytest.fixture(scope="session")
def here(old: OldClient, shop: Shop, await_status: Callable[..., dict[str, Any]]) -> Surroundings:
    """What calls work on."""
    return Surroundings(old, shop, await_status)
