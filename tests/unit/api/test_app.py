"""The wire: paths, content types, error shapes, tags in paths, times."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from l4m.api.app import Request
from l4m.api.gateway import request_from_event, response_to_event
from l4m.api.wire.times import from_text, to_text
from l4m.errors import InvalidInput

DETECTOR = {"AnomalyDetectorName": "sales", "AnomalyDetectorConfig": {"AnomalyDetectorFrequency": "PT1H"}}


def ask(service, method, path, query=None, body=b"", content_type="application/json"):
    response = service.call(Request(method, path, query or {}, {"content-type": content_type}, body))
    return response, json.loads(response.body) if response.body else {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/DoWonders"), ("GET", "/ListAnomalyDetectors"), ("PUT", "/tags/x"), ("GET", "/tags"), ("POST", ""), ("POST", "//")],
)
def test_unknown_operation_is_a_validation_exception(service, method, path):
    response, body = ask(service, method, path)
    assert (response.status, response.headers["x-amzn-ErrorType"]) == (400, "ValidationException")
    assert body["Reason"] == "UNKNOWN_OPERATION"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"1", b"\xff\xfe", b"[" * 100_000, b'{"MaxResults":' + b"9" * 5000 + b"}"])
def test_body_that_is_no_object_cannot_be_parsed(service, body):
    response, answer = ask(service, "POST", "/ListAnomalyDetectors", body=body)
    assert (response.status, answer["Reason"]) == (400, "CANNOT_PARSE")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-amz-json-1.1"])
def test_answer_is_in_the_content_type_of_the_question(service, content_type):
    good, _ = ask(service, "POST", "/ListAnomalyDetectors", body=b"{}", content_type=content_type)
    bad, _ = ask(service, "POST", "/CreateAlert", body=b"{}", content_type=content_type)
    assert good.headers["content-type"] == bad.headers["content-type"] == content_type
    assert (good.status, bad.status) == (200, 400)


def test_unknown_members_and_nulls_are_ignored(service):
    status, _ = service.post("CreateAnomalyDetector", DETECTOR | {"Colour": "red", "KmsKeyArn": None})
    assert status == 200


def test_missing_members_are_named_all_at_once(service):
    status, body = service.post("CreateAlert", {})
    assert status == 400
    assert [one["Name"] for one in body["Fields"]] == ["AlertName", "AnomalyDetectorArn", "Action"]


@pytest.mark.parametrize("encode", [lambda arn: quote(arn, safe=""), lambda arn: arn, lambda arn: quote(arn, safe=":")])
def test_tags_work_with_encoded_and_decoded_arns(service, metric_set_of, encode):
    client = service.client()
    detector = client.create_anomaly_detector(**DETECTOR)["AnomalyDetectorArn"]
    arn = client.create_metric_set(**metric_set_of(detector))["MetricSetArn"]
    path = f"/tags/{encode(arn)}"
    response, _ = ask(service, "POST", path, body=json.dumps({"tags": {"a": "1", "b c": "", "ü": "2"}}).encode())
    assert (response.status, response.body) == (204, b"")
    response, _ = ask(service, "DELETE", path, {"tagKeys": ["b c", "ü", "unknown"]})
    assert response.status == 204
    assert ask(service, "GET", path)[1] == {"Tags": {"a": "1"}}


def test_tags_through_the_client(service):
    client = service.client()
    arn = client.create_anomaly_detector(**DETECTOR)["AnomalyDetectorArn"]
    client.tag_resource(ResourceArn=arn, Tags={"team": "growth", "env": "prod"})
    client.untag_resource(ResourceArn=arn, TagKeys=["env", "z z"])
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "growth"}
    assert client.list_anomaly_detectors()["AnomalyDetectorSummaryList"][0]["Tags"] == {"team": "growth"}
    with pytest.raises(client.exceptions.ValidationException):
        client.tag_resource(ResourceArn=arn, Tags={"AWS:x": "y"})
    client.tag_resource(ResourceArn=arn, Tags={f"k{number}": "v" for number in range(49)})
    with pytest.raises(client.exceptions.ValidationException, match="51 tags"):
        client.tag_resource(ResourceArn=arn, Tags={"one": "more"})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(ResourceArn=arn + "x")


def test_untag_without_keys_is_refused(service):
    arn = quote("arn:aws:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:sales", safe="")
    response, body = ask(service, "DELETE", f"/tags/{arn}")
    assert response.status == 400
    assert body["Fields"] == [{"Name": "TagKeys", "Message": "is required"}]


def test_throttled_table_answers_429_and_a_broken_one_500(service, monkeypatch):
    def failing(code):
        def get_item(**_):
            raise ClientError({"Error": {"Code": code}}, "GetItem")

        return get_item

    arn = {"AnomalyDetectorArn": "arn:aws:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:sales"}
    monkeypatch.setattr(service.context.table.client, "get_item", failing("ThrottlingException"))
    assert service.post("DescribeAnomalyDetector", arn)[0] == 429
    monkeypatch.setattr(service.context.table.client, "get_item", failing("AccessDeniedException"))
    status, body = service.post("DescribeAnomalyDetector", arn)
    assert (status, body) == (500, {"Message": "the service failed to answer; try again"})


def test_gateway_event_becomes_a_request_and_back(service):
    event = {
        "version": "2.0",
        "rawPath": "/tags/arn%3Aaws%3Ax",
        "rawQueryString": "tagKeys=a%20b&tagKeys=c&tagKeys=",
        "headers": {"Content-Type": "application/json"},
        "requestContext": {"http": {"method": "DELETE"}},
        "body": "eyJhIjogMX0=",
        "isBase64Encoded": True,
    }
    request = request_from_event(event)
    assert (request.method, request.path, request.query) == ("DELETE", "/tags/arn%3Aaws%3Ax", {"tagKeys": ["a b", "c", ""]})
    assert (request.headers, request.body) == ({"content-type": "application/json"}, b'{"a": 1}')
    answer = response_to_event(service.call(request))
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["Fields"][0]["Name"] == "ResourceArn"


def test_times_are_written_without_seconds_and_read_with_or_without():
    moment = datetime(2020, 12, 5, 1, 0, tzinfo=UTC)
    assert to_text(moment) == "2020-12-05T01:00Z[UTC]"
    for text in ("2020-12-05T01:00Z[UTC]", "2020-12-05T01:00:00Z", "2020-12-05T02:00:00+01:00[Europe/Berlin]"):
        assert from_text("Timestamp", text) == moment
    with pytest.raises(InvalidInput):
        from_text("Timestamp", "2021-02-30T01:00:00Z")
