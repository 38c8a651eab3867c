"""Alerts through the API."""

import pytest

ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
TOPIC = {"SNSConfiguration": {"RoleArn": ROLE, "SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"}}
OTHER_ROLE = {"RoleArn": "arn:aws:iam::999999999999:role/x", "SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:t"}
QUEUE = {"RoleArn": ROLE, "SnsTopicArn": "arn:aws:sqs:us-east-1:123456789012:t"}
NO_FUNCTION = {"RoleArn": ROLE, "LambdaArn": "arn:aws:lambda:us-east-1:1:function:x"}
BY_DIMENSION = "AlertFilters.DimensionFilterList"
FUNCTION = {"LambdaConfiguration": {"RoleArn": ROLE, "LambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:page"}}


@pytest.fixture
def client(service):
    return service.client()


@pytest.fixture
def sales(client, metric_set_of):
    arn = client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    client.create_metric_set(**metric_set_of(arn["AnomalyDetectorArn"]))
    return arn["AnomalyDetectorArn"]


def test_alert_is_described_as_it_was_given(client, sales):
    filters = {"MetricList": ["views"], "DimensionFilterList": [{"DimensionName": "platform", "DimensionValueList": ["pc_web", "app"]}]}
    arn = client.create_alert(
        AlertName="page",
        AnomalyDetectorArn=sales,
        Action=TOPIC,
        AlertSensitivityThreshold=70,
        AlertDescription="wake up",
        AlertFilters=filters,
    )["AlertArn"]
    found = client.describe_alert(AlertArn=arn)["Alert"]
    assert arn == "arn:aws:lookoutmetrics:us-east-1:123456789012:Alert:page"
    assert found["Action"] == {"SNSConfiguration": TOPIC["SNSConfiguration"] | {"SnsFormat": "JSON"}}
    assert found["AlertFilters"] == filters
    assert (found["AlertType"], found["AlertStatus"], found["AlertSensitivityThreshold"]) == ("SNS", "ACTIVE", 70)
    assert (found["AlertDescription"], found["AlertName"], found["AnomalyDetectorArn"]) == ("wake up", "page", sales)


def test_update_replaces_what_is_given(client, sales):
    arn = client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC, AlertDescription="old")["AlertArn"]
    client.update_alert(AlertArn=arn, Action=FUNCTION, AlertSensitivityThreshold=0, AlertFilters={"MetricList": ["price"]})
    found = client.describe_alert(AlertArn=arn)["Alert"]
    assert (found["Action"], found["AlertType"], found["AlertDescription"]) == (FUNCTION, "LAMBDA", "old")
    assert found["AlertFilters"] == {"MetricList": ["price"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"Action": {}}, "Action"),
        ({"Action": TOPIC | FUNCTION}, "Action"),
        ({"Action": {"SNSConfiguration": OTHER_ROLE}}, "Action.RoleArn"),
        ({"Action": {"SNSConfiguration": QUEUE}}, "Action.SNSConfiguration.SnsTopicArn"),
        ({"Action": {"LambdaConfiguration": NO_FUNCTION}}, "Action.LambdaConfiguration.LambdaArn"),
        ({"AlertFilters": {"MetricList": ["clicks"]}}, "AlertFilters.MetricList[0]"),
        ({"AlertFilters": {"MetricList": ["views", "views"]}}, "AlertFilters.MetricList"),
        ({"AlertFilters": {"DimensionFilterList": [{"DimensionName": "country", "DimensionValueList": ["de"]}]}}, BY_DIMENSION),
        ({"AlertFilters": {"DimensionFilterList": [{"DimensionValueList": ["de"]}]}}, f"{BY_DIMENSION}[0].DimensionName"),
        ({"AlertFilters": {"DimensionFilterList": [{"DimensionName": "platform"}]}}, f"{BY_DIMENSION}[0].DimensionValueList"),
        ({"AlertSensitivityThreshold": 101}, "AlertSensitivityThreshold"),
        ({"AlertName": "a b"}, "AlertName"),
        ({"AlertDescription": " "}, "AlertDescription"),
    ],
)  # fmt: skip
def test_faulty_alert_is_refused_and_not_kept(client, service, sales, changes, field):
    before = service.items()
    with pytest.raises(client.exceptions.ValidationException) as refusal:
        client.create_alert(**({"AlertName": "page", "AnomalyDetectorArn": sales, "Action": TOPIC} | changes))
    assert field in [one["Name"] for one in refusal.value.response["Fields"]]
    assert service.items() == before


def test_everything_wrong_is_reported_at_once(client, sales):
    wrong = {"SNSConfiguration": {"RoleArn": OTHER_ROLE["RoleArn"], "SnsTopicArn": QUEUE["SnsTopicArn"]}}
    filters = {"MetricList": ["clicks"], "DimensionFilterList": [{"DimensionName": "platform"}]}
    with pytest.raises(client.exceptions.ValidationException) as refusal:
        client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=wrong, AlertFilters=filters, Tags={"aws:x": "y"})
    assert {one["Name"] for one in refusal.value.response["Fields"]} == {
        "Action.RoleArn",
        "Action.SNSConfiguration.SnsTopicArn",
        "AlertFilters.MetricList[0]",
        f"{BY_DIMENSION}[0].DimensionValueList",
        "Tags",
    }


def test_an_arn_of_something_else_is_told_together_with_what_has_no_shape(client):
    with pytest.raises(client.exceptions.ValidationException) as refusal:
        client.create_alert(AlertName="a b", AnomalyDetectorArn="arn:aws:s3:::bucket:x", Action=TOPIC, AlertSensitivityThreshold=101)
    assert [one["Name"] for one in refusal.value.response["Fields"]] == ["AlertName", "AlertSensitivityThreshold", "AnomalyDetectorArn"]


def test_filters_need_a_metric_set(client):
    arn = client.create_anomaly_detector(AnomalyDetectorName="bare", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    with pytest.raises(client.exceptions.ValidationException, match="no metric set"):
        client.create_alert(
            AlertName="page", AnomalyDetectorArn=arn["AnomalyDetectorArn"], Action=TOPIC, AlertFilters={"MetricList": ["views"]}
        )
    client.create_alert(AlertName="page", AnomalyDetectorArn=arn["AnomalyDetectorArn"], Action=TOPIC)


def test_a_measure_or_dimension_goes_once_no_alert_s_filter_names_it(client, sales, metric_set_of):
    arn = client.list_metric_sets(AnomalyDetectorArn=sales)["MetricSetSummaryList"][0]["MetricSetArn"]
    filtered = {"MetricList": ["price"], "DimensionFilterList": [{"DimensionName": "platform", "DimensionValueList": ["app"]}]}
    alert = client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC, AlertFilters=filtered)["AlertArn"]
    change = {"MetricSetArn": arn, "MetricList": metric_set_of(sales)["MetricList"][:1], "DimensionList": ["marketplace"]}
    with pytest.raises(client.exceptions.ValidationException, match="the alert 'page' filters by what is not there any more"):
        client.update_metric_set(**change)
    client.update_alert(AlertArn=alert, AlertFilters={"MetricList": ["views"]})
    client.update_metric_set(**change)


def test_alerts_are_listed_for_one_detector_or_all_in_pages(client, sales):
    other = client.create_anomaly_detector(AnomalyDetectorName="other", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    for number in range(6):
        detector = other["AnomalyDetectorArn"] if number % 2 else sales
        client.create_alert(AlertName=f"a{number}", AnomalyDetectorArn=detector, Action=TOPIC)
    assert len(client.list_alerts()["AlertSummaryList"]) == 6
    names, token = [], {}
    while True:
        answer = client.list_alerts(AnomalyDetectorArn=sales, MaxResults=2, **token)
        names += [one["AlertName"] for one in answer["AlertSummaryList"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert names == ["a0", "a2", "a4"]


def test_deleted_alert_is_gone_and_its_name_free(client, sales):
    arn = client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC)["AlertArn"]
    with pytest.raises(client.exceptions.ConflictException):
        client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC)
    client.delete_alert(AlertArn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.delete_alert(AlertArn=arn)
    client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC)


def test_quota_of_alerts_is_a_parameter(client, service, sales):
    service.limit(alerts_per_detector=1)
    client.create_alert(AlertName="one", AnomalyDetectorArn=sales, Action=TOPIC)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="MaxAlerts"):
        client.create_alert(AlertName="two", AnomalyDetectorArn=sales, Action=TOPIC)
