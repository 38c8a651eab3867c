"""Step Functions: the machine runs by moto's engine, under its own role."""

import json

import pytest


def run(cloud, app, machine="MachineArn", **event):
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=app[machine], input=json.dumps(event))["executionArn"]
    cloud.wait_idle()
    return states.describe_execution(executionArn=arn)


def test_tasks_are_functions_and_their_results_flow_on(cloud, app):
    done = run(cloud, app, task="hi")
    assert done["status"] == "SUCCEEDED"
    assert json.loads(done["output"])["echo"]["got"] == {"task": "hi"}


def test_an_exception_is_caught_by_its_class(cloud, app):
    done = run(cloud, app, task="fail")
    assert (done["status"], done["error"]) == ("FAILED", "Caught")


def test_a_distributed_map_runs_every_item_under_the_machine_s_role(cloud, app):
    done = run(cloud, app, "MapMachineArn", items=[1, 2, 3], all="same")
    assert [one["got"] for one in json.loads(done["output"])] == [{"item": number, "all": "same"} for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("machine", "action", "told"),
    [
        ("MachineArn", "lambda:InvokeFunction", "is not authorized to perform: lambda:InvokeFunction"),
        ("MapMachineArn", "lambda:InvokeFunction", "tolerated failure threshold"),
        ("MapMachineArn", "states:StartExecution", "is not authorized to perform: states:StartExecution"),
    ],
)
def test_a_machine_fails_whose_role_may_not(cloud, app, machine, action, told):
    iam = cloud.client("iam")
    role = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=app[machine])["roleArn"].rsplit("/", 1)[-1]
    policies = [iam.get_role_policy(RoleName=role, PolicyName=name) for name in iam.list_role_policies(RoleName=role)["PolicyNames"]]
    (policy,) = [one for one in policies if action in str(one["PolicyDocument"])]
    iam.delete_role_policy(RoleName=role, PolicyName=policy["PolicyName"])
    try:
        done = run(cloud, app, machine, task="hi", items=[1], all=2)
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"]))
    assert done["status"] == "FAILED"
    assert told in done["cause"]
