"""Lambda: the official runtime, roles, time limits, crashes, retries and what becomes of failed events."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest


def test_a_warm_process_serves_call_after_call(invoke):
    first, second = invoke(a=1)[0], invoke(a=2)[0]
    assert (first["got"], second["got"]) == ({"a": 1}, {"a": 2})
    assert first["pid"] == second["pid"]
    assert 2000 < second["left"] <= 3000


def test_a_function_acts_under_its_own_role(invoke, app):
    arn, error = invoke(task="role")
    assert error is None
    assert arn.split("/")[1] == app["EchoRole"]


def test_the_environment_points_to_the_local_cloud_and_the_editable_sources(invoke, cloud):
    found, _ = invoke(task="environment", names=["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LOOKOUTMETRICS", "GREETING", "MODELS", "AWS_REGION"])
    assert found["AWS_ENDPOINT_URL"] == found["AWS_ENDPOINT_URL_LOOKOUTMETRICS"] == cloud.endpoint
    assert found["GREETING"].endswith(" there")
    assert found["MODELS"].endswith("/l4m/api/models") and not found["MODELS"].startswith("/opt")
    assert found["AWS_REGION"] == "us-east-1"


def test_an_exception_is_answered_as_lambda_does(invoke):
    answer, error = invoke(task="fail")
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "asked to fail")


def test_a_process_that_dies_fails_its_event_and_is_replaced(invoke):
    answer, error = invoke(task="exit")
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert invoke(a=1)[1] is None


def test_a_handler_that_takes_too_long_is_ended(invoke):
    started = time.monotonic()
    answer, error = invoke(task="sleep", seconds=30)
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert time.monotonic() - started < 8


def test_concurrent_calls_are_all_answered(invoke):
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda number: invoke(number=number), range(24)))
    assert [answer["got"]["number"] for answer, _ in answers] == list(range(24))
    assert len({answer["pid"] for answer, _ in answers}) <= 3


def test_a_function_can_be_killed_in_the_middle_of_its_next_call(invoke, cloud):
    invoke(a=1)
    assert cloud.kill_function("EchoBack") == "next call"
    answer, error = invoke(task="sleep", seconds=1)
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert invoke(a=1)[1] is None


def test_a_function_can_be_killed_before_its_next_call_begins(invoke, cloud):
    cloud.kill_function("EchoBack", after=0)
    assert invoke(a=1)[0]["errorType"] == "Runtime.ExitError"
    assert invoke(a=1)[1] is None


def test_an_event_that_keeps_failing_is_retried_and_ends_at_its_destination(cloud, app, messages):
    messages(app["FailuresUrl"])
    answer = cloud.client("lambda").invoke(FunctionName=app["EchoArn"], InvocationType="Event", Payload=b'{"task": "fail"}')
    assert answer["StatusCode"] == 202
    cloud.wait_idle()
    [record] = [json.loads(item["Body"]) for item in messages(app["FailuresUrl"])]
    assert record["requestPayload"] == {"task": "fail"}
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorType"] == "ValueError"


def test_a_dead_letter_queue_receives_the_event_itself(cloud, app, messages):
    name = next(
        item["FunctionName"] for item in cloud.client("lambda").list_functions()["Functions"] if "-Trigger-" in item["FunctionName"]
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"task": "fail"}')
    cloud.wait_idle()
    [message] = messages(app["DeadLettersUrl"])
    assert json.loads(message["Body"]) == {"task": "fail"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "asked to fail"


def test_what_a_handler_prints_is_in_its_log(invoke, cloud):
    invoke(sentence="the quick brown fox")
    assert "the quick brown fox" in cloud.logs("EchoBack")


def test_a_role_that_may_not_write_logs_leaves_none(invoke, cloud, app):
    iam, basic = cloud.client("iam"), "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.detach_role_policy(RoleName=app["EchoRole"], PolicyArn=basic)
    invoke(task="exit")
    invoke(sentence="nobody will read this")
    iam.attach_role_policy(RoleName=app["EchoRole"], PolicyArn=basic)
    invoke(task="exit")
    assert "nobody will read this" not in cloud.logs("EchoBack")


def test_a_function_that_does_not_exist_is_not_found(cloud):
    client = cloud.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="nobody")
