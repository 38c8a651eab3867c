"""The table that says which ARNs a call touches."""

import pytest

from localaws.resources import Place, touched

HERE = Place("1", "eu-west-1")


@pytest.mark.parametrize(
    ("service", "action", "parameters", "path", "expected"),
    [
        ("dynamodb", "PutItem", {"TableName": "t"}, "", ["arn:aws:dynamodb:eu-west-1:1:table/t"]),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, "", ["arn:aws:dynamodb:eu-west-1:1:table/t/index/i"]),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"a": {}, "b": {}}},
            "",
            ["arn:aws:dynamodb:eu-west-1:1:table/a", "arn:aws:dynamodb:eu-west-1:1:table/b"],
        ),
        ("lambda", "Invoke", {}, "/2015-03-31/functions/f/invocations", ["arn:aws:lambda:eu-west-1:1:function:f"]),
        (
            "lambda",
            "Invoke",
            {},
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af/invocations",
            ["arn:aws:lambda:eu-west-1:1:function:f"],
        ),
        ("sns", "Publish", {"TopicArn": "arn:aws:sns:eu-west-1:1:t"}, "", ["arn:aws:sns:eu-west-1:1:t"]),
        ("sqs", "SendMessage", {"QueueUrl": "http://127.0.0.1:1/1/q"}, "", ["arn:aws:sqs:eu-west-1:1:q"]),
        (
            "states",
            "StartExecution",
            {"stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:m"},
            "",
            ["arn:aws:states:eu-west-1:1:stateMachine:m"],
        ),
        (
            "events",
            "PutEvents",
            {"Entries": [{}, {"EventBusName": "b"}]},
            "",
            ["arn:aws:events:eu-west-1:1:event-bus/default", "arn:aws:events:eu-west-1:1:event-bus/b"],
        ),
        ("events", "PutRule", {"Name": "r"}, "", ["arn:aws:events:eu-west-1:1:rule/r"]),
        ("scheduler", "CreateSchedule", {"GroupName": "g"}, "/schedules/s", ["arn:aws:scheduler:eu-west-1:1:schedule/g/s"]),
        ("scheduler", "DeleteSchedule", {"groupName": "g"}, "/schedules/s", ["arn:aws:scheduler:eu-west-1:1:schedule/g/s"]),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, "", ["arn:aws:iam::1:role/r"]),
        ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s"}, "", ["arn:aws:logs:eu-west-1:1:log-group:g:log-stream:s"]),
        ("kms", "Decrypt", {"KeyId": "alias/k"}, "", ["arn:aws:kms:eu-west-1:1:alias/k"]),
        ("cloudwatch", "PutMetricData", {"Namespace": "n"}, "", ["*"]),
        ("dynamodb", "ListTables", {}, "", ["*"]),
    ],
)
def test_touched(service, action, parameters, path, expected):
    assert touched(service, action, parameters.get, HERE, path) == expected
