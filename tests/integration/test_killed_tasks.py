"""A task that dies for good: its detector fails with the reason, rings the alarm's queue, and takes another order."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws import LocalAws
from localaws.demo.stage import ROOT

from .orders import create_detector, create_role

BUCKET, ROLE = "killed-data", "KilledLookoutForMetricsRole"
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Service:
    """The service alone, with a detector that has a history to learn from."""

    aws: LocalAws
    outputs: dict[str, str]
    role: str

    @property
    def api(self) -> Any:
        """The API's client."""
        return self.aws.client("lookoutmetrics")

    def detector(self, name: str) -> dict[str, str]:
        """A new detector with its metric set."""
        return create_detector(self.api, name, self.role, BUCKET)

    def do(self, operation: str, about: dict[str, str], *, is_killed: bool = False) -> None:
        """Call for a task and wait for its end; a killed one dies before it can say anything."""
        if is_killed:
            self.aws.kill_function(self.outputs["RunDetectionFunction"], after=0)
        getattr(self.api, operation)(**about)
        self.aws.wait_idle(60)

    def described(self, about: dict[str, str]) -> tuple[str, str | None]:
        """Status and type of failure."""
        found = self.api.describe_anomaly_detector(**about)
        return found["Status"], found.get("FailureType")


@pytest.fixture(scope="module")
def service(cloud: LocalAws) -> Iterator[Service]:
    """The service, whose tasks are tried once."""
    outputs = cloud.deploy(ROOT / "ai_ops" / "l4m-service.yaml", "killed")
    role, s3 = create_role(cloud, ROLE, outputs["ServiceRoleArn"], BUCKET), cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    hours = [NOW - timedelta(hours=hour) for hour in range(400, 0, -1)]
    rows = [f"{hour:%Y-%m-%d %H:%M:%S},{100 + hour.hour + hour.day % 3}" for hour in hours]
    s3.put_object(Bucket=BUCKET, Key="past/orders.csv", Body="\n".join(["time,orders", *rows, ""]).encode())
    function = {"FunctionName": outputs["RunDetectionFunction"]}
    destination = cloud.client("lambda").get_function_event_invoke_config(**function)["DestinationConfig"]
    cloud.client("lambda").put_function_event_invoke_config(**function, MaximumRetryAttempts=0, DestinationConfig=destination)
    yield Service(cloud, outputs, role)
    cloud.delete_stack("killed")


@pytest.mark.parametrize(
    ("before", "operation", "failure"),
    [
        ([], "activate_anomaly_detector", "ACTIVATION_FAILURE"),
        ([], "back_test_anomaly_detector", "BACK_TEST_ACTIVATION_FAILURE"),
        (["activate_anomaly_detector"], "deactivate_anomaly_detector", "DEACTIVATION_FAILURE"),
        (["activate_anomaly_detector"], "delete_anomaly_detector", "DELETION_FAILURE"),
    ],
)
def test_a_detector_whose_task_was_killed_fails_and_takes_another_order(
    service: Service, before: list[str], operation: str, failure: str
) -> None:
    about = service.detector(failure.lower())
    for earlier in before:
        service.do(earlier, about)
    service.do(operation, about, is_killed=True)
    assert service.described(about) == ("FAILED", failure)
    assert "given up after 1 attempts: Runtime exited" in service.api.describe_anomaly_detector(**about)["FailureReason"]
    service.do("activate_anomaly_detector", about)
    assert service.described(about) == ("ACTIVE", None)
    service.do("delete_anomaly_detector", about)
    assert about["AnomalyDetectorArn"] not in str(service.api.list_anomaly_detectors())


def test_what_was_killed_waits_in_the_queue_of_the_alarm(service: Service) -> None:
    about, sqs = service.detector("queued"), service.aws.client("sqs")
    (queue,) = [url for url in sqs.list_queues()["QueueUrls"] if "FailedRuns" in url]
    sqs.purge_queue(QueueUrl=queue)
    service.do("activate_anomaly_detector", about, is_killed=True)
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    order = json.loads(message["Body"])["requestPayload"]
    assert (order["detector"], order["task"]) == (about["AnomalyDetectorArn"], "learn")


def test_an_interval_that_kills_the_function_is_reported_and_then_counts_as_missing(service: Service) -> None:
    about = service.detector("poisoned")
    service.do("activate_anomaly_detector", about)
    reasons = []
    for hour in range(3):
        service.aws.client("s3").put_object(
            Bucket=BUCKET, Key=f"live/{NOW:%Y%m%d%H}/orders.csv", Body=f"time,orders\n{NOW:%Y-%m-%d %H:%M:%S},100\n"
        )
        if hour < 2:
            service.aws.kill_function(service.outputs["RunDetectionFunction"], after=0)
        event = {"detector": about["AnomalyDetectorArn"], "task": "run", "time": (NOW + timedelta(hours=hour + 1)).isoformat()}
        service.aws.client("lambda").invoke(
            FunctionName=service.outputs["RunDetectionFunction"], InvocationType="Event", Payload=json.dumps(event).encode()
        )
        service.aws.wait_idle(60)
        executions = service.api.describe_anomaly_detection_executions(**about)["ExecutionList"]
        reasons.append(next(one for one in executions if one["Timestamp"].startswith(f"{NOW:%Y-%m-%dT%H:%M}")))
    assert [one["Status"] for one in reasons] == ["FAILED"] * 3
    assert "Runtime exited" in reasons[0]["FailureReason"]
    assert "counts as missing" in reasons[2]["FailureReason"]
