"""Step Functions: the machine runs by moto's engine, under its own role."""

import json


def run(cloud, app, **event):
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=app["MachineArn"], input=json.dumps(event))["executionArn"]
    cloud.wait_idle()
    return states.describe_execution(executionArn=arn)


def test_tasks_are_functions_and_their_results_flow_on(cloud, app):
    done = run(cloud, app, task="hi")
    assert done["status"] == "SUCCEEDED"
    assert json.loads(done["output"])["echo"]["got"] == {"task": "hi"}


def test_an_exception_is_caught_by_its_class(cloud, app):
    done = run(cloud, app, task="fail")
    assert (done["status"], done["error"]) == ("FAILED", "Caught")


def test_a_machine_whose_role_may_not_invoke_fails(cloud, app):
    iam = cloud.client("iam")
    role = next(item["RoleName"] for item in iam.list_roles()["Roles"] if "-MachineRole-" in item["RoleName"])
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    text = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        done = run(cloud, app, task="hi")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(text))
    assert done["status"] == "FAILED"
    assert "is not authorized to perform: lambda:InvokeFunction" in done["cause"]
