"""More series than one function learns at once: the state machine learns them in shards, and the detector is the same."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localaws import LocalAws
from localaws.demo.stage import ROOT

from .orders import create_detector, create_role

BUCKET, ROLE, STACK = "large-data", "LargeLookoutForMetricsRole", "large"
TEMPLATE = ROOT / "ai_ops" / "l4m-service.yaml"
AT_ONCE, SHOPS, HOURS = 10, 24, 480
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)  # what is live then is not learned
NOTHING = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}


@dataclass(frozen=True)
class Service:
    """The service alone, with a history of the sales of some shops."""

    aws: LocalAws
    role: str

    @property
    def api(self) -> Any:
        """The API's client."""
        return self.aws.client("lookoutmetrics")

    @property
    def machine(self) -> str:
        """ARN of the state machine."""
        (machine,) = [
            one["stateMachineArn"]
            for one in self.aws.client("stepfunctions").list_state_machines()["stateMachines"]
            if one["name"] == f"{STACK}-learn"
        ]
        return str(machine)

    def deploy(self, at_once: int) -> dict[str, str]:
        """The service, whose function learns so many series at once."""
        return self.aws.deploy(TEMPLATE, STACK, {"SeriesAtOnce": at_once})

    def detector(self, name: str) -> dict[str, str]:
        """A new detector with its metric set."""
        return create_detector(self.api, name, self.role, BUCKET, DimensionList=["shop"])

    def described(self, about: dict[str, str]) -> tuple[str, str | None]:
        """Status, and reason of a failure."""
        found = self.api.describe_anomaly_detector(**about)
        return found["Status"], found.get("FailureReason")

    def executions(self) -> list[str]:
        """How the machine's executions ended, oldest first."""
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return [one["status"] for one in sorted(found, key=lambda one: one["startDate"])]

    def left_over(self) -> list[str]:
        """What steps handed to each other and nobody removed."""
        s3, names = self.aws.client("s3"), [one["Name"] for one in self.aws.client("s3").list_buckets()["Buckets"]]
        (bucket,) = [name for name in names if name.startswith(f"{STACK}-statebucket")]
        return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="_shards/").get("Contents", ())]

    def groups(self, about: dict[str, str]) -> list[tuple[Any, ...]]:
        """Time, score and contributions of all groups."""
        listed = self.api.list_anomaly_group_summaries(**about, SensitivityThreshold=0, MaxResults=100)["AnomalyGroupSummaryList"]
        found = [self.api.get_anomaly_group(**about, AnomalyGroupId=one["AnomalyGroupId"])["AnomalyGroup"] for one in listed]
        return sorted((one["StartTime"], one["AnomalyGroupScore"], json.dumps(one["MetricLevelImpactList"])) for one in found)

    def tested(self, about: dict[str, str]) -> list[tuple[Any, ...]]:
        """The groups of a backtest that runs, once it is over; its detector goes."""
        self.aws.wait_idle(300)
        assert self.described(about) == ("BACK_TEST_COMPLETE", None)
        found = self.groups(about)
        self.api.delete_anomaly_detector(**about)
        self.aws.wait_idle(60)
        return found

    def run(self, about: dict[str, str], function: str, hours: int) -> None:
        """The live hours after the history, in all of which some shops sell next to nothing."""
        for hour in range(hours):
            self.aws.client("s3").put_object(
                Bucket=BUCKET, Key=f"live/{NOW + timedelta(hours=hour):%Y%m%d%H}/orders.csv", Body=csv([hour], drop_from=0)
            )
            event = {"detector": about["AnomalyDetectorArn"], "task": "run", "time": (NOW + timedelta(hours=hour + 1)).isoformat()}
            self.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())


def csv(hours: list[int], drop_from: int = 10**6) -> bytes:
    """Orders of all shops, a wave over the day; some shops drop from an hour on."""
    lines = ["time,shop,orders"]
    for hour in hours:
        for shop in range(SHOPS):
            orders = (200 + 40 * shop) * (1 + 0.4 * math.sin(hour * math.pi / 12)) + (hour * 37 + shop * 11) % 17
            factor = 0.1 if hour >= drop_from and shop < 8 else 1
            lines.append(f"{NOW + timedelta(hours=hour):%Y-%m-%d %H:%M:%S},s{shop:02},{orders * factor:.0f}")
    return "\n".join([*lines, ""]).encode()


@pytest.fixture(scope="module")
def service(cloud: LocalAws) -> Iterator[Service]:
    """The service with its data; the end of the history drops, for a backtest to find."""
    outputs = cloud.deploy(TEMPLATE, STACK, {"SeriesAtOnce": AT_ONCE})
    role, s3 = create_role(cloud, ROLE, outputs["ServiceRoleArn"], BUCKET), cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="past/orders.csv", Body=csv(list(range(-HOURS, 0))))
    yield Service(cloud, role)
    cloud.delete_stack(STACK)


def test_a_detector_learned_in_shards_answers_as_one_learned_at_once(service: Service) -> None:
    answers = []
    for at_once in (50_000, AT_ONCE):
        function, before = service.deploy(at_once)["RunDetectionFunction"], len(service.executions())
        about = service.detector("live")
        service.api.activate_anomaly_detector(**about)
        service.aws.wait_idle(300)
        assert service.described(about) == ("ACTIVE", None)
        assert service.executions()[before:] == ([] if at_once > AT_ONCE else ["SUCCEEDED"])
        service.run(about, function, 3)
        answers.append(service.groups(about))
        service.api.delete_anomaly_detector(**about)
        service.aws.wait_idle(60)
    assert answers[0] == answers[1]
    assert answers[0]
    assert service.left_over() == []


@pytest.fixture(scope="module")
def found_at_once(service: Service) -> list[Any]:
    """What a backtest in one go finds of a history whose last hours drop."""
    service.aws.client("s3").put_object(Bucket=BUCKET, Key="past/orders.csv", Body=csv(list(range(-HOURS, 0)), drop_from=-6))
    service.deploy(50_000)
    about = service.detector("tested")
    service.api.back_test_anomaly_detector(**about)
    return service.tested(about)


@pytest.mark.parametrize("step", ["shard", "join", "advance"])
def test_a_backtest_in_shards_finds_the_same_whatever_step_is_killed(service: Service, found_at_once: list[Any], step: str) -> None:
    function = service.deploy(AT_ONCE)["RunDetectionFunction"]
    about = service.detector("tested")
    seen = service.aws.logs(function).count(f'"task":"{step}"')
    service.api.back_test_anomaly_detector(**about)
    while service.aws.logs(function).count(f'"task":"{step}"') == seen:
        assert service.described(about)[0] in ("BACK_TEST_ACTIVATING", "BACK_TEST_ACTIVE")
    assert service.aws.kill_function(function) == "now"
    assert service.tested(about) == found_at_once
    assert found_at_once
    assert service.executions()[-1] == "SUCCEEDED"
    assert service.left_over() == []


@pytest.mark.parametrize("operation", ["activate_anomaly_detector", "back_test_anomaly_detector"])
def test_what_is_called_off_ends_its_machine_and_the_detector_learns_again(service: Service, operation: str) -> None:
    service.deploy(AT_ONCE)
    about, before = service.detector("called-off"), len(service.executions())
    getattr(service.api, operation)(**about)
    while len(service.executions()) == before:
        assert service.described(about)[1] is None
    service.api.deactivate_anomaly_detector(**about)
    service.aws.wait_idle(300)
    assert service.described(about) == ("INACTIVE", None)
    assert service.executions()[-1] == "ABORTED"
    service.api.activate_anomaly_detector(**about)
    service.aws.wait_idle(300)
    assert service.described(about) == ("ACTIVE", None)
    assert service.executions()[-1] == "SUCCEEDED"
    service.api.delete_anomaly_detector(**about)
    service.aws.wait_idle(60)
    assert [key for key in service.left_over() if "called-off" in key] == []


@pytest.mark.parametrize(("statement", "action"), [("Steps", "lambda:InvokeFunction"), ("Shards", "states:StartExecution")])
def test_a_detector_fails_whose_machine_lacks_a_right(service: Service, statement: str, action: str) -> None:
    service.deploy(AT_ONCE)
    iam, states = service.aws.client("iam"), service.aws.client("stepfunctions")
    role = states.describe_state_machine(stateMachineArn=service.machine)["roleArn"].rsplit("/", 1)[-1]
    policy = iam.get_role_policy(RoleName=role, PolicyName="LearnInShards")["PolicyDocument"]
    less = {**policy, "Statement": [one for one in policy["Statement"] if one["Sid"] != statement]}
    iam.put_role_policy(RoleName=role, PolicyName="LearnInShards", PolicyDocument=json.dumps(less))
    about = service.detector(f"without-{statement}")
    try:
        service.api.activate_anomaly_detector(**about)
        service.aws.wait_idle(300)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="LearnInShards", PolicyDocument=json.dumps(policy))
    assert service.executions()[-1] == "FAILED"
    status, reason = service.described(about)
    assert status == "FAILED"
    assert f"is not authorized to perform: {action}" in (reason or "")


def test_a_role_that_no_longer_reads_the_data_fails_the_detector_with_its_reason(service: Service) -> None:
    service.deploy(AT_ONCE)
    states = service.aws.client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=service.machine)["definition"]
    states.update_state_machine(stateMachineArn=service.machine, definition=json.dumps(NOTHING))
    about = service.detector("forbidden")
    service.api.activate_anomaly_detector(**about)
    service.aws.wait_idle(60)
    states.update_state_machine(stateMachineArn=service.machine, definition=definition)
    execution = states.list_executions(stateMachineArn=service.machine)["executions"][0]["executionArn"]
    order = states.describe_execution(executionArn=execution)["input"]
    policy = service.aws.client("iam").get_role_policy(RoleName=ROLE, PolicyName="data")["PolicyDocument"]
    service.aws.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="data")
    try:
        states.start_execution(stateMachineArn=service.machine, input=order)
        service.aws.wait_idle(60)
    finally:
        service.aws.client("iam").put_role_policy(RoleName=ROLE, PolicyName="data", PolicyDocument=json.dumps(policy))
    status, reason = service.described(about)
    assert status == "FAILED"
    assert "the role may not read it" in (reason or "")
    assert [key for key in service.left_over() if "forbidden" in key] == []
