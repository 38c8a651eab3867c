"""IAM: what a role's policies do not allow is refused, whichever service is called."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
SESSION = boto3.Session(region_name="us-east-1")  # one, for it reads each service's model once


@pytest.fixture
def acting(cloud):
    """Return a function that gives clients of a fresh role with these statements."""
    iam, made = cloud.client("iam"), []

    def role(*statements, trust=None):
        name = f"actor-{len(made)}"
        default = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust or default]}))
        made.append(name)
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements})
            )
        keys = cloud.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="test")["Credentials"]
        own = {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }
        return lambda service: SESSION.client(service, endpoint_url=cloud.endpoint, **own)

    yield role
    for name in made:
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


CALLS = [
    ("s3", "get_object", {"Bucket": "{InputBucketName}", "Key": "in/x"}, "s3:GetObject", "arn:aws:s3:::{InputBucketName}/in/*"),
    ("s3", "list_objects_v2", {"Bucket": "{InputBucketName}"}, "s3:ListBucket", "arn:aws:s3:::{InputBucketName}"),
    (
        "dynamodb",
        "get_item",
        {"TableName": "{TableName}", "Key": {"pk": {"S": "a"}}},
        "dynamodb:GetItem",
        "arn:aws:dynamodb:us-east-1:123456789012:table/{TableName}",
    ),
    ("sns", "publish", {"TopicArn": "{NewsArn}", "Message": "m"}, "sns:Publish", "{NewsArn}"),
    (
        "sqs",
        "get_queue_attributes",
        {"QueueUrl": "{FailuresUrl}"},
        "sqs:GetQueueAttributes",
        "arn:aws:sqs:us-east-1:123456789012:sample-Child-*-Failures-*",
    ),
    ("lambda", "invoke", {"FunctionName": "{EchoArn}", "Payload": b"{}"}, "lambda:InvokeFunction", "{EchoArn}"),
    ("stepfunctions", "describe_state_machine", {"stateMachineArn": "{MachineArn}"}, "states:DescribeStateMachine", "{MachineArn}"),
    (
        "secretsmanager",
        "get_secret_value",
        {"SecretId": "redshift-sample"},
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:redshift-sample-??????",
    ),
    (
        "events",
        "put_events",
        {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]},
        "events:PutEvents",
        "arn:aws:events:us-east-1:123456789012:event-bus/default",
    ),
    (
        "scheduler",
        "get_schedule",
        {"Name": "TriggerDaily"},
        "scheduler:GetSchedule",
        "arn:aws:scheduler:us-east-1:123456789012:schedule/default/TriggerDaily",
    ),
    ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}]}, "cloudwatch:PutMetricData", "*"),
]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "action", "resource"), CALLS, ids=[f"{call[0]}.{call[1]}" for call in CALLS]
)
def test_a_call_needs_its_statement_and_nothing_more(cloud, app, acting, service, operation, parameters, action, resource):
    cloud.client("s3").put_object(Bucket=app["InputBucketName"], Key="in/x", Body=b"x")
    filled = {key: value.format(**app) if isinstance(value, str) else value for key, value in parameters.items()}
    statement = {"Effect": "Allow", "Action": action, "Resource": resource.format(**app)}
    getattr(acting(statement)(service), operation)(**filled)
    code = refused(getattr(acting()(service), operation), **filled)
    assert code in ("AccessDenied", "AccessDeniedException", "AuthorizationError")
    other = {**statement, "Resource": "arn:aws:s3:::another/*"}
    assert refused(getattr(acting(other)(service), operation), **filled) == code


def test_taking_a_statement_out_of_a_deployed_role_makes_its_function_fail(cloud, app, invoke):
    iam = cloud.client("iam")
    cloud.client("s3").put_object(Bucket=app["InputBucketName"], Key="in/x", Body=b"x")
    assert invoke(task="read", bucket=app["InputBucketName"], key="in/x") == ("x", None)
    [name] = [item for item in iam.list_role_policies(RoleName=app["EchoRole"])["PolicyNames"] if "RolePolicy" in item]
    text = iam.get_role_policy(RoleName=app["EchoRole"], PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=app["EchoRole"], PolicyName=name)
    answer, error = invoke(task="read", bucket=app["InputBucketName"], key="in/x")
    iam.put_role_policy(RoleName=app["EchoRole"], PolicyName=name, PolicyDocument=json.dumps(text))
    assert (answer["errorType"], error) == ("AccessDenied", "Unhandled")


def test_assuming_a_role_needs_its_trust(cloud, acting):
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    arn = iam.create_role(RoleName="closed", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))["Role"][
        "Arn"
    ]
    try:
        assert refused(acting(may)("sts").assume_role, RoleArn=arn, RoleSessionName="test") == "AccessDenied"
        trust["Principal"] = {"AWS": ACCOUNT}
        iam.update_assume_role_policy(RoleName="closed", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
        acting(may)("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        assert refused(acting()("sts").assume_role, RoleArn=arn, RoleSessionName="test") == "AccessDenied"
    finally:
        iam.delete_role(RoleName="closed")


def test_handing_a_role_to_a_service_needs_pass_role(cloud, app, acting):
    role = next(item["Arn"] for item in cloud.client("iam").list_roles()["Roles"] if "TriggerDailyRole" in item["RoleName"])
    schedule = {
        "Effect": "Allow",
        "Action": "scheduler:CreateSchedule",
        "Resource": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/mine",
    }
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
    }
    parameters = {
        "Name": "mine",
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "DISABLED",
        "Target": {"Arn": app["EchoArn"], "RoleArn": role},
    }
    assert refused(acting(schedule)("scheduler").create_schedule, **parameters) == "AccessDeniedException"
    acting(schedule, passing)("scheduler").create_schedule(**parameters)
    cloud.client("scheduler").delete_schedule(Name="mine")


def test_deleting_many_objects_needs_the_right_for_each_key(cloud, app, acting):
    bucket = app["InputBucketName"]
    statement = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/in/*"}
    s3 = acting(statement)("s3")
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/gone"}]})
    assert [item["Key"] for item in deleted["Deleted"]] == ["in/gone"]
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "in/gone"}, {"Key": "elsewhere"}]})["Errors"]
    assert {item["Code"] for item in errors} == {"AccessDenied"}


def test_unknown_keys_are_nobody(cloud):
    nobody = SESSION.client("sns", endpoint_url=cloud.endpoint, aws_access_key_id="AKIAAAAAAAAAAAAAAAAA", aws_secret_access_key="secret")
    assert refused(nobody.list_topics) in ("AccessDenied", "InvalidClientTokenId")


def test_enforcement_can_be_switched_off(cloud, acting):
    sns = acting()("sns")
    cloud.enforce_iam(False)
    try:
        sns.list_topics()
    finally:
        cloud.enforce_iam(True)
    assert refused(sns.list_topics) in ("AccessDenied", "AuthorizationError")


def test_policies_are_simulated_as_they_are_enforced(cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="simulated")
    role = "arn:aws:iam::123456789012:role/somebody"
    condition = {"StringEquals": {"iam:PassedToService": "lookoutmetrics.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="simulated", PolicyName="pass", PolicyDocument=policy)

    def decision(resource, service, source="arn:aws:iam::123456789012:user/simulated"):
        stated = {"ContextKeyName": "iam:PassedToService", "ContextKeyValues": [service], "ContextKeyType": "string"}
        asked = {"PolicySourceArn": source, "ActionNames": ["iam:PassRole"], "ResourceArns": [resource], "ContextEntries": [stated]}
        return iam.simulate_principal_policy(**asked)["EvaluationResults"][0]["EvalDecision"]

    assert decision(role, "lookoutmetrics.amazonaws.com") == "allowed"
    assert decision(role, "lambda.amazonaws.com") == "implicitDeny"
    assert decision(f"{role}-else", "lookoutmetrics.amazonaws.com") == "implicitDeny"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        decision(role, "lookoutmetrics.amazonaws.com", "arn:aws:iam::123456789012:user/nobody")
    iam.delete_user_policy(UserName="simulated", PolicyName="pass")
    iam.delete_user(UserName="simulated")
