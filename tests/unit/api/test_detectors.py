"""Detectors through the API: their life, and what is refused."""

from dataclasses import replace

import pytest

from l4m.model import DetectorStatus

ARN = "arn:aws:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:sales"
HOURLY = {"AnomalyDetectorFrequency": "PT1H"}


@pytest.fixture
def client(service):
    return service.client()


@pytest.fixture
def sales(client):
    return client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig=HOURLY)["AnomalyDetectorArn"]


@pytest.fixture
def watched(client, sales, metric_set_of):
    client.create_metric_set(**metric_set_of(sales))
    return sales


def test_created_detector_is_inactive_and_described_as_given(client):
    arn = client.create_anomaly_detector(
        AnomalyDetectorName="sales",
        AnomalyDetectorDescription="Sales in Köln 🛒",
        AnomalyDetectorConfig=HOURLY,
        KmsKeyArn="arn:aws:kms:us-east-1:123456789012:key/12345678-abcd-1234-abcd-1234567890ab",
        Tags={"team": "growth"},
    )["AnomalyDetectorArn"]
    found = client.describe_anomaly_detector(AnomalyDetectorArn=arn)
    assert arn == ARN
    assert found["Status"] == "INACTIVE"
    assert found["AnomalyDetectorDescription"] == "Sales in Köln 🛒"
    assert found["AnomalyDetectorConfig"] == HOURLY
    assert found["KmsKeyArn"].endswith("1234567890ab")
    assert found["CreationTime"].timestamp() == found["LastModificationTime"].timestamp() == 1772339130.123
    assert "FailureReason" not in found
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "growth"}


def test_name_is_taken_once(client, sales):
    with pytest.raises(client.exceptions.ConflictException) as refusal:
        client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig=HOURLY)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert refusal.value.response["ResourceId"] == sales


def test_detectors_are_listed_in_pages_and_the_last_has_no_token(client):
    for number in range(5):
        client.create_anomaly_detector(AnomalyDetectorName=f"d{number}", AnomalyDetectorConfig=HOURLY)
    names, answer = [], client.list_anomaly_detectors(MaxResults=2)
    while True:
        names += [one["AnomalyDetectorName"] for one in answer["AnomalyDetectorSummaryList"]]
        if "NextToken" not in answer:
            break
        answer = client.list_anomaly_detectors(MaxResults=2, NextToken=answer["NextToken"])
    assert names == ["d0", "d1", "d2", "d3", "d4"]


def test_full_page_that_is_the_last_has_no_token(client):
    for number in range(2):
        client.create_anomaly_detector(AnomalyDetectorName=f"d{number}", AnomalyDetectorConfig=HOURLY)
    assert "NextToken" not in client.list_anomaly_detectors(MaxResults=2)


def test_token_that_was_not_given_is_refused(client):
    for number in range(3):
        client.create_anomaly_detector(AnomalyDetectorName=f"d{number}", AnomalyDetectorConfig=HOURLY)
    token = client.list_anomaly_detectors(MaxResults=1)["NextToken"]
    forged = ["x", token[:-1], token + "AAAA", token[:-1] + ("A" if token[-1] != "A" else "B"), "ünsinn", "🛒" * 10]
    for one in forged:
        with pytest.raises(client.exceptions.ValidationException):
            client.list_anomaly_detectors(NextToken=one)
    with pytest.raises(client.exceptions.ValidationException):
        client.list_alerts(NextToken=token)


def test_update_changes_what_is_given_and_leaves_the_rest(client, service, sales):
    service.wait(60)
    client.update_anomaly_detector(AnomalyDetectorArn=sales, AnomalyDetectorDescription="new")
    found = client.describe_anomaly_detector(AnomalyDetectorArn=sales)
    assert found["AnomalyDetectorDescription"] == "new"
    assert found["AnomalyDetectorConfig"] == HOURLY
    assert (found["LastModificationTime"] - found["CreationTime"]).total_seconds() == 60


def test_frequency_changes_together_with_the_metric_set(client, watched):
    client.update_anomaly_detector(AnomalyDetectorArn=watched, AnomalyDetectorConfig={"AnomalyDetectorFrequency": "P1D"})
    listed = client.list_metric_sets(AnomalyDetectorArn=watched)["MetricSetSummaryList"]
    assert client.describe_metric_set(MetricSetArn=listed[0]["MetricSetArn"])["MetricSetFrequency"] == "P1D"


def test_activation_without_a_metric_set_is_refused(client, service, sales):
    with pytest.raises(client.exceptions.ValidationException, match="no metric set"):
        client.activate_anomaly_detector(AnomalyDetectorArn=sales)
    assert service.invocations.payloads == []


def test_activation_starts_learning_once(client, service, watched):
    generation = service.context.resources.detector(watched).generation
    client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    assert client.describe_anomaly_detector(AnomalyDetectorArn=watched)["Status"] == "ACTIVATING"
    with pytest.raises(client.exceptions.ConflictException):
        client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    assert service.invocations.payloads == [{"detector": watched, "task": "learn", "generation": generation + 1}]


def test_backtest_starts_and_a_second_one_has_to_wait(client, service, watched):
    client.back_test_anomaly_detector(AnomalyDetectorArn=watched)
    assert client.describe_anomaly_detector(AnomalyDetectorArn=watched)["Status"] == "BACK_TEST_ACTIVATING"
    with pytest.raises(client.exceptions.ValidationException):  # the operation has no ConflictException
        client.back_test_anomaly_detector(AnomalyDetectorArn=watched)
    assert [one["task"] for one in service.invocations.payloads] == ["backtest"]


@pytest.mark.parametrize("status", ["INACTIVE", "BACK_TEST_COMPLETE", "FAILED", "DEACTIVATING", "DELETING"])
def test_a_detector_that_does_nothing_cannot_be_deactivated(client, service, watched, status):
    become(service, watched, status)
    with pytest.raises(client.exceptions.ConflictException):
        client.deactivate_anomaly_detector(AnomalyDetectorArn=watched)
    assert service.invocations.payloads == []


@pytest.mark.parametrize("status", ["LEARNING", "ACTIVE", "ACTIVATING", "BACK_TEST_ACTIVATING", "BACK_TEST_ACTIVE"])
def test_a_detector_that_watches_learns_or_is_tested_can_be_deactivated(client, service, watched, status):
    become(service, watched, status)
    generation = service.context.resources.detector(watched).generation
    client.deactivate_anomaly_detector(AnomalyDetectorArn=watched)
    assert client.describe_anomaly_detector(AnomalyDetectorArn=watched)["Status"] == "DEACTIVATING"
    assert service.invocations.payloads == [{"detector": watched, "task": "deactivate", "generation": generation}]


@pytest.mark.parametrize("status", ["ACTIVATING", "BACK_TEST_ACTIVATING", "BACK_TEST_ACTIVE"])
def test_a_detector_that_learns_or_is_tested_can_be_deleted(client, service, sales, status):
    become(service, sales, status)
    client.delete_anomaly_detector(AnomalyDetectorArn=sales)
    assert [one["task"] for one in service.invocations.payloads] == ["delete"]


def test_a_name_that_comes_back_takes_no_order_of_its_old_bearer(client, service, watched, metric_set_of):
    client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    service.context.resources.purge(watched)
    client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig=HOURLY)
    client.create_metric_set(**metric_set_of(watched))
    client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    first, second = (one["generation"] for one in service.invocations.payloads)
    assert abs(first - second) > 1000  # each may learn often


@pytest.mark.parametrize("status", ["DEACTIVATING", "DELETING"])
def test_detector_on_its_way_out_cannot_be_deleted(client, service, sales, status):
    become(service, sales, status)
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_anomaly_detector(AnomalyDetectorArn=sales)
    assert service.invocations.payloads == []


def test_delete_starts_the_purge_and_the_purge_forgets_everything(client, service, watched):
    client.create_alert(AlertName="page", AnomalyDetectorArn=watched, Action=sns())
    generation = service.context.resources.detector(watched).generation
    client.delete_anomaly_detector(AnomalyDetectorArn=watched)
    assert client.describe_anomaly_detector(AnomalyDetectorArn=watched)["Status"] == "DELETING"
    assert service.invocations.payloads == [{"detector": watched, "task": "delete", "generation": generation}]
    service.context.resources.purge(watched)
    assert service.items() == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_anomaly_detector(AnomalyDetectorArn=watched)


def test_nothing_is_added_to_a_detector_that_is_being_deleted(client, service, sales, metric_set_of):
    become(service, sales, "DELETING")
    with pytest.raises(client.exceptions.ClientError):
        client.create_metric_set(**metric_set_of(sales))
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=sns())


def test_detector_whose_start_fails_says_so_and_can_be_started_again(client, service, watched):
    service.invocations.error = TimeoutError("no answer")
    with pytest.raises(client.exceptions.InternalServerException):
        client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    found = client.describe_anomaly_detector(AnomalyDetectorArn=watched)
    assert (found["Status"], found["FailureType"]) == ("FAILED", "ACTIVATION_FAILURE")
    service.invocations.error = None
    client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    found = client.describe_anomaly_detector(AnomalyDetectorArn=watched)
    assert found["Status"] == "ACTIVATING"
    assert "FailureType" not in found


@pytest.mark.parametrize("status", ["ACTIVATING", "DEACTIVATING", "BACK_TEST_ACTIVATING", "BACK_TEST_ACTIVE", "DELETING"])
def test_detector_whose_task_died_takes_a_new_order_after_two_hours(client, service, watched, status):
    become(service, watched, status)
    service.wait(7201)
    client.activate_anomaly_detector(AnomalyDetectorArn=watched)
    become(service, watched, status)
    service.wait(7201)
    client.delete_anomaly_detector(AnomalyDetectorArn=watched)
    assert [one["task"] for one in service.invocations.payloads] == ["learn", "delete"]


def test_quota_of_detectors_answers_402_and_says_what_raises_it(client, service, sales):
    service.limit(detectors=1)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="the stack's parameter MaxDetectors raises it") as refusal:
        client.create_anomaly_detector(AnomalyDetectorName="more", AnomalyDetectorConfig=HOURLY)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402
    assert refusal.value.response["QuotaCode"] == "MaxDetectors"


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:other",
        "arn:aws:lookoutmetrics:us-east-1:999999999999:AnomalyDetector:sales",
        "arn:aws:lookoutmetrics:eu-west-1:123456789012:AnomalyDetector:sales",
        "arn:aws-cn:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:sales",
    ],
)
def test_another_name_account_region_or_partition_is_not_found(client, sales, arn):
    with pytest.raises(client.exceptions.ResourceNotFoundException) as refusal:
        client.describe_anomaly_detector(AnomalyDetectorArn=arn)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refusal.value.response["ResourceType"] == "AnomalyDetector"


@pytest.mark.parametrize("arn", ["arn:aws:s3:::bucket", ARN.replace("AnomalyDetector:", "Alert:"), "arn:aws:a:b:c:d\n"])
def test_arn_of_something_else_is_invalid(client, arn):
    with pytest.raises(client.exceptions.ValidationException, match="AnomalyDetectorArn"):
        client.describe_anomaly_detector(AnomalyDetectorArn=arn)


def sns():
    role = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
    return {"SNSConfiguration": {"RoleArn": role, "SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"}}


def become(service, arn, status):
    resources = service.context.resources
    resources.change(resources.detector(arn), lambda current: replace(current, status=DetectorStatus(status)))
