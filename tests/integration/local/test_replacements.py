"""Each place where moto's own behaviour is replaced, seen from outside; the numbers are those of ``localaws.replacements``."""

import http.client
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto.awslambda.models import LambdaFunction
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.responses import BaseResponse
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.table import Table
from moto.events.models import Rule
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription
from moto.stepfunctions.parser.asl.utils import boto_client

from localaws.handler import read_headers


def test_moto_still_has_every_place_that_is_replaced():
    assert callable(LambdaFunction.invoke)
    assert callable(boto_client.boto_client_for)
    assert callable(ActionAuthenticatorMixin._authenticate_and_authorize_action)
    assert callable(Rule.send_to_targets)
    assert callable(FakeBucket.get_permission)
    assert callable(Subscription.publish)
    assert callable(Table.query)
    assert callable(BaseJSONSerializer._serialize_type_structure)
    assert callable(BaseResponse._enrich_response)
    assert callable(http.client.parse_headers)


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


@pytest.fixture(scope="module")
def shelf(cloud: Any) -> Iterator[Any]:
    """A client of DynamoDB, and a table of books by author and title with an index by year."""
    client = cloud.client("dynamodb")
    client.create_table(
        TableName="books",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("author", "title", "year")],
        KeySchema=[{"AttributeName": "author", "KeyType": "HASH"}, {"AttributeName": "title", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "years", "KeySchema": [{"AttributeName": "year", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    for author, title in (("b", "z"), ("a", "y"), ("b", "x")):
        client.put_item(TableName="books", Item={"author": {"S": author}, "title": {"S": title}, "year": {"S": "1999"}})
    yield client
    client.delete_table(TableName="books")


def test_9_a_query_sees_one_partition_in_order_and_an_index_all(shelf):
    def titles(condition: str, value: str, **more: Any) -> list[str]:
        values = {":value": {"S": value}}
        found = shelf.query(TableName="books", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more)
        return [item["title"]["S"] for item in found["Items"]]

    assert titles("author = :value", "b") == ["x", "z"]
    assert titles("author = :value", "c") == []
    assert sorted(titles("#year = :value", "1999", IndexName="years", ExpressionAttributeNames={"#year": "year"})) == ["x", "y", "z"]


def test_10_values_of_every_type_come_back_as_they_were_put(shelf):
    value = {"L": [{"M": {"n": {"N": "1.5"}, "s": {"S": ""}}}, {"BOOL": False}, {"NULL": True}]}
    item = {"author": {"S": "c"}, "title": {"S": "t"}, "value": value, "set": {"SS": ["p", "q"]}, "bytes": {"B": b"\x00\xff"}}
    shelf.put_item(TableName="books", Item=item)
    key = {"author": {"S": "c"}, "title": {"S": "t"}}
    assert shelf.get_item(TableName="books", Key=key)["Item"] == item
    assert shelf.delete_item(TableName="books", Key=key, ReturnValues="ALL_OLD")["Attributes"] == item


def test_11_json_and_xml_have_their_request_ids(cloud, shelf):
    for answer in (shelf.list_tables(), cloud.client("sts").get_caller_identity()):
        assert len(answer["ResponseMetadata"]["RequestId"]) > 10


def test_12_headers_are_read_as_the_standard_library_reads_them():
    text = b"Host: a:1\r\nX-Empty:\r\nx-amz-meta-name:  \xe9 b\r\nX-Empty: twice\r\n\r\nbody"
    ours, theirs = (read(io.BytesIO(text)) for read in (read_headers, http.client.parse_headers))
    assert ours.items() == theirs.items()
    assert ours.get_all("x-empty") == ["", "twice"]
