"""Each place where moto's own behaviour is replaced, seen from outside; the numbers are those of ``localaws.replacements``."""

import json

from moto.awslambda.models import LambdaFunction
from moto.core.authorization import ActionAuthenticatorMixin
from moto.events.models import Rule
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription
from moto.stepfunctions.parser.asl.utils import boto_client


def test_moto_still_has_every_place_that_is_replaced():
    assert callable(LambdaFunction.invoke)
    assert callable(boto_client.boto_client_for)
    assert callable(ActionAuthenticatorMixin._authenticate_and_authorize_action)
    assert callable(Rule.send_to_targets)
    assert callable(FakeBucket.get_permission)
    assert callable(Subscription.publish)


def test_1_functions_run_without_docker(invoke):
    assert invoke(a=1)[0]["got"] == {"a": 1}


def test_2_a_machine_calls_with_the_keys_of_its_role(cloud, app):
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=app["MachineArn"], input=json.dumps({"task": "hi"}))["executionArn"]
    cloud.wait_idle()
    assert states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_3_iam_is_asked_about_the_resource(app, invoke):
    answer, _ = invoke(task="write", bucket=app["InputBucketName"], key="in/x", body="x")
    assert answer["errorType"] == "AccessDenied"


def test_4_rules_reach_functions(cloud, app, seen):
    cloud.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sale", "Detail": '{"price": 9}'}])
    assert len(seen("shop")) == 1


def test_5_a_deny_whose_condition_does_not_hold_does_not_deny(cloud, app):
    cloud.client("s3").put_object(Bucket=app["InputBucketName"], Key="in/tls", Body=b"x")


def test_6_a_function_learns_the_topic_of_its_message(cloud, app, seen):
    cloud.client("sns").publish(TopicArn=app["NewsArn"], Message="hello")
    assert seen("aws-sns")[0]["Records"][0]["Sns"]["TopicArn"] == app["NewsArn"]
