"""More series than one function learns at once: the state machine learns them in shards, and the detector is the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localaws import LocalAws
from localaws.waiting import wait_until

from .orders import create_role
from .shards import BUCKET, STACK, TEMPLATE, Service, csv

ROLE, AT_ONCE, HOURS = "LargeLookoutForMetricsRole", 10, 480
NOTHING = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}


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

    def has_begun() -> bool:
        assert service.described(about)[0] in ("BACK_TEST_ACTIVATING", "BACK_TEST_ACTIVE")
        return service.aws.logs(function).count(f'"task":"{step}"') > seen

    wait_until(f"the step {step} to begin", has_begun, 120)
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

    def has_begun() -> bool:
        assert service.described(about)[1] is None
        return len(service.executions()) > before

    wait_until("the machine to begin", has_begun, 120)
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


@pytest.mark.parametrize("at_once", [50_000, AT_ONCE])
@pytest.mark.parametrize(("verb", "end"), [("activate", "ACTIVE"), ("back_test", "BACK_TEST_COMPLETE")])
def test_a_name_that_comes_back_at_once_learns_as_if_it_were_new(service: Service, at_once: int, verb: str, end: str) -> None:
    function = service.deploy(at_once)["RunDetectionFunction"]
    first = len(service.executions())
    for bearer in ("first", "second", "last"):
        about = service.detector("comes-back")
        executions, tasks = len(service.executions()), service.aws.logs(function).count("task begins")
        getattr(service.api, f"{verb}_anomaly_detector")(**about)
        if bearer != "last":
            if at_once == AT_ONCE:
                wait_until("the machine to begin", lambda before=executions: len(service.executions()) > before, 120)
            else:
                wait_until("the task to begin", lambda before=tasks: service.aws.logs(function).count("task begins") > before, 120)
            service.api.delete_anomaly_detector(**about)
            wait_until("the deletion", lambda about=about: service.is_gone(about), 120)
    service.aws.wait_idle(300)
    assert service.described(about) == (end, None)
    if at_once == AT_ONCE:
        assert len(service.executions()) == first + 3
        assert service.executions()[-1] == "SUCCEEDED"
    service.api.delete_anomaly_detector(**about)
    service.aws.wait_idle(60)
    assert [key for key in service.left_over() if "comes-back" in key] == []


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
