"""Metric sets through the API: what is kept, what is answered, and the rules that no schema can say."""

from dataclasses import replace

import pytest

from l4m.model import DetectorStatus

ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
S3 = "MetricSource.S3SourceConfig"
CSV = f"{S3}.FileFormatDescriptor.CsvFormatDescriptor"
HEADERS = f"{CSV}.HeaderList"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonLookoutMetrics-x"
VPC = {"SubnetIdList": ["s"], "SecurityGroupIdList": ["g"]}
HOURLY = {"AnomalyDetectorFrequency": "PT1H"}
TOPIC = {"SNSConfiguration": {"RoleArn": ROLE, "SnsTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms"}}


@pytest.fixture
def client(service):
    return service.client()


@pytest.fixture
def sales(client):
    return client.create_anomaly_detector(AnomalyDetectorName="sales", AnomalyDetectorConfig=HOURLY)["AnomalyDetectorArn"]


def faults_of(client, arguments, call="create_metric_set"):
    with pytest.raises(client.exceptions.ValidationException) as refusal:
        getattr(client, call)(**arguments)
    return {one["Name"]: one["Message"] for one in refusal.value.response["Fields"]}


def s3(**changes):
    return {"S3SourceConfig": {"RoleArn": ROLE, "HistoricalDataPathList": ["s3://shop/past/"], "FileFormatDescriptor": csv()} | changes}


def csv(**settings):
    return {"CsvFormatDescriptor": settings}


def test_metric_set_is_described_as_it_was_given(client, sales, metric_set_of):
    given = metric_set_of(
        sales,
        MetricSetDescription="orders by hour",
        DimensionFilterList=[{"Name": "platform", "FilterList": [{"DimensionValue": "pc_web", "FilterOperation": "EQUALS"}]}],
    )
    arn = client.create_metric_set(**given)["MetricSetArn"]
    found = client.describe_metric_set(MetricSetArn=arn)
    assert arn == "arn:aws:lookoutmetrics:us-east-1:123456789012:MetricSet/sales/orders"
    assert {name: found[name] for name in given} == given


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("AppFlowConfig", {"RoleArn": ROLE, "FlowName": "orders"}),
        ("CloudWatchConfig", {"RoleArn": ROLE, "BackTestConfiguration": {"RunBackTestMode": False}}),
        ("RDSSourceConfig", {"RoleArn": ROLE, "DBInstanceIdentifier": "db", "DatabasePort": 5432, "VpcConfiguration": VPC}),
        ("RedshiftSourceConfig", {"RoleArn": ROLE, "ClusterIdentifier": "c", "SecretManagerArn": SECRET}),
        ("AthenaSourceConfig", {"RoleArn": ROLE, "DatabaseName": "db", "S3ResultsPath": "s3://results/here"}),
    ],
)  # fmt: skip
def test_other_sources_are_kept_and_answered(client, sales, metric_set_of, kind, settings):
    measures = [{"MetricName": "views", "AggregationFunction": "SUM", "Namespace": "AWS/EC2"}]
    arn = client.create_metric_set(**metric_set_of(sales, MetricSource={kind: settings}, MetricList=measures))["MetricSetArn"]
    assert client.describe_metric_set(MetricSetArn=arn)["MetricSource"] == {kind: settings}


def test_json_lines_without_dimensions_and_with_defaults(client, sales, metric_set_of):
    given = metric_set_of(sales, MetricSource=s3(FileFormatDescriptor={"JsonFormatDescriptor": {"FileCompression": "GZIP"}}))
    for name in ("DimensionList", "MetricSetFrequency", "Offset", "Timezone"):
        del given[name]
    found = client.describe_metric_set(MetricSetArn=client.create_metric_set(**given)["MetricSetArn"])
    assert "DimensionList" not in found
    assert (found["MetricSetFrequency"], found["Offset"], found["Timezone"]) == ("PT1H", 0, "UTC")
    assert found["MetricSource"]["S3SourceConfig"]["FileFormatDescriptor"] == {
        "JsonFormatDescriptor": {"FileCompression": "GZIP", "Charset": "UTF-8"}
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"MetricList": [{"MetricName": "a", "AggregationFunction": "SUM"}] * 2}, "MetricList"),
        ({"DimensionList": ["a", "a"]}, "DimensionList"),
        ({"DimensionList": ["views"]}, "DimensionList"),
        ({"DimensionList": ["timestamp"]}, "TimestampColumn.ColumnName"),
        ({"TimestampColumn": {"ColumnName": "views", "ColumnFormat": "UNIX"}}, "TimestampColumn.ColumnName"),
        ({"TimestampColumn": {"ColumnFormat": "UNIX"}}, "TimestampColumn.ColumnName"),
        ({"TimestampColumn": {"ColumnName": "ts"}}, "TimestampColumn.ColumnFormat"),
        ({"TimestampColumn": {"ColumnName": "ts", "ColumnFormat": "yyyy-qq"}}, "TimestampColumn.ColumnFormat"),
        ({"TimestampColumn": {"ColumnName": "ts", "ColumnFormat": "yyyy" + "[M]" * 19}}, "TimestampColumn.ColumnFormat"),
        ({"Timezone": "Europe/Cologne"}, "Timezone"),
        ({"Timezone": "../../etc/passwd"}, "Timezone"),
        ({"MetricSetFrequency": "P1D"}, "MetricSetFrequency"),
        ({"MetricSource": {}}, "MetricSource"),
        ({"MetricSource": s3() | {"AppFlowConfig": {"RoleArn": ROLE}}}, "MetricSource"),
        ({"MetricSource": {"AppFlowConfig": {"FlowName": "orders"}}}, "MetricSource.AppFlowConfig.RoleArn"),
        ({"MetricSource": {"CloudWatchConfig": {"RoleArn": ROLE}}}, "MetricList[0].Namespace"),
        ({"MetricSource": s3(RoleArn="arn:aws:iam::999999999999:role/x")}, f"{S3}.RoleArn"),
        ({"MetricSource": s3(RoleArn="arn:aws:iam::123456789012:user/x")}, f"{S3}.RoleArn"),
        ({"MetricSource": s3(FileFormatDescriptor={})}, f"{S3}.FileFormatDescriptor"),
        ({"MetricSource": s3(FileFormatDescriptor=csv(ContainsHeader=False))}, HEADERS),
        ({"MetricSource": s3(FileFormatDescriptor=csv(HeaderList=["views", "price"]))}, HEADERS),
        ({"MetricSource": s3(FileFormatDescriptor=csv(Charset="klingon"))}, f"{CSV}.Charset"),
        ({"MetricSource": s3(FileFormatDescriptor=csv(Charset="rot13"))}, f"{CSV}.Charset"),
        (
            {"MetricSource": s3(FileFormatDescriptor={"JsonFormatDescriptor": {"Charset": "klingon"}})},
            f"{S3}.FileFormatDescriptor.JsonFormatDescriptor.Charset",
        ),
        ({"MetricSource": s3(TemplatedPathList=["s3://shop/{{yyyyQQ}}/"])}, f"{S3}.TemplatedPathList"),
        ({"MetricSource": s3(TemplatedPathList=["s3://shop/{yyyy}/"])}, f"{S3}.TemplatedPathList"),
        ({"MetricSource": s3(TemplatedPathList=["s3://shop/{{}}/"])}, f"{S3}.TemplatedPathList"),
        ({"MetricSource": s3(TemplatedPathList=["s3://shop/live/"])}, f"{S3}.TemplatedPathList"),
        ({"MetricSource": s3(TemplatedPathList=["s3://shop/{{_}}/"])}, f"{S3}.TemplatedPathList"),
        ({"DimensionFilterList": [{"Name": "country", "FilterList": [{"DimensionValue": "de"}]}]}, "DimensionFilterList"),
        ({"DimensionFilterList": [{"FilterList": [{"DimensionValue": "de"}]}]}, "DimensionFilterList[0].Name"),
        ({"DimensionFilterList": [{"Name": "platform"}]}, "DimensionFilterList[0].FilterList"),
        ({"Tags": {"aws:x": "y"}}, "Tags"),
    ],
)  # fmt: skip
def test_rule_that_no_schema_can_say(client, service, sales, metric_set_of, changes, field):
    before = service.items()
    assert field in faults_of(client, metric_set_of(sales, **changes))
    assert service.items() == before


def test_everything_wrong_is_reported_at_once(client, sales, metric_set_of):
    faults = faults_of(
        client,
        metric_set_of(
            sales,
            MetricSource={},
            Timezone="Nowhere",
            Tags={"aws:x": "y"},
            DimensionFilterList=[{"Name": "platform"}],
            DimensionList=["views"],
            TimestampColumn={"ColumnName": "views", "ColumnFormat": "??qq"},
        ),
    )
    assert set(faults) == {
        "MetricSource",
        "Timezone",
        "Tags",
        "DimensionFilterList",
        "DimensionFilterList[0].FilterList",
        "DimensionList",
        "TimestampColumn.ColumnName",
        "TimestampColumn.ColumnFormat",
    }


def test_second_metric_set_of_a_detector_is_over_the_quota(client, sales, metric_set_of):
    client.create_metric_set(**metric_set_of(sales))
    with pytest.raises(client.exceptions.ConflictException):
        client.create_metric_set(**metric_set_of(sales))
    with pytest.raises(client.exceptions.ServiceQuotaExceededException):
        client.create_metric_set(**metric_set_of(sales, MetricSetName="more"))


def test_quotas_of_measures_and_dimensions_are_parameters(client, service, sales, metric_set_of):
    service.limit(measures=1)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="MaxMeasures"):
        client.create_metric_set(**metric_set_of(sales))
    service.limit(dimensions=1)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException, match="MaxDimensions"):
        client.create_metric_set(**metric_set_of(sales))


def test_update_keeps_what_is_not_given(client, sales, metric_set_of):
    arn = client.create_metric_set(**metric_set_of(sales))["MetricSetArn"]
    client.update_metric_set(MetricSetArn=arn, DimensionList=["platform"], Offset=0)
    found = client.describe_metric_set(MetricSetArn=arn)
    assert (found["DimensionList"], found["Offset"]) == (["platform"], 0)
    assert found["MetricSource"] == metric_set_of(sales)["MetricSource"]


def test_update_is_held_to_the_same_rules(client, service, sales, metric_set_of):
    arn = client.create_metric_set(**metric_set_of(sales))["MetricSetArn"]
    before = service.items()
    assert "DimensionList" in faults_of(client, {"MetricSetArn": arn, "DimensionList": ["views"]}, "update_metric_set")
    assert "MetricSource" in faults_of(client, {"MetricSetArn": arn, "MetricSource": {}}, "update_metric_set")
    assert "MetricSetFrequency" in faults_of(client, {"MetricSetArn": arn, "MetricSetFrequency": "PT5M"}, "update_metric_set")
    assert service.items() == before


def test_everything_wrong_with_an_update_is_reported_at_once(client, service, sales, metric_set_of):
    arn = client.create_metric_set(**metric_set_of(sales))["MetricSetArn"]
    filtered = {"MetricList": ["views", "price"], "DimensionFilterList": [{"DimensionName": "platform", "DimensionValueList": ["app"]}]}
    client.create_alert(AlertName="page", AnomalyDetectorArn=sales, Action=TOPIC, AlertFilters=filtered)
    resources = service.context.resources
    resources.change(resources.detector(sales), lambda current: replace(current, status=DetectorStatus.ACTIVE))
    change = {
        "MetricList": [{"MetricName": "views", "AggregationFunction": "SUM"}],
        "DimensionList": ["views"],
        "MetricSource": {},
        "DimensionFilterList": [{"Name": "platform"}],
    }
    with pytest.raises(client.exceptions.ValidationException) as refusal:
        client.update_metric_set(MetricSetArn=arn, **change)
    told = [(one["Name"], one["Message"]) for one in refusal.value.response["Fields"]]
    assert {name for name, _ in told} >= {"MetricSource", "DimensionFilterList[0].FilterList", "MetricList", "DimensionList"}
    for name, words in (("MetricList", "'page' filters by what is not there any more: 'price'"), ("DimensionList", "'platform'")):
        assert any(field == name and words in message for field, message in told)
    assert sum("deactivate it first" in message for _, message in told) == 4


def test_live_detector_takes_a_new_offset_but_no_new_measures(client, service, sales, metric_set_of):
    arn = client.create_metric_set(**metric_set_of(sales))["MetricSetArn"]
    resources = service.context.resources
    resources.change(resources.detector(sales), lambda current: replace(current, status=DetectorStatus.ACTIVE, generation=3))
    client.update_metric_set(MetricSetArn=arn, Offset=600)
    assert client.describe_metric_set(MetricSetArn=arn)["Offset"] == 600
    assert service.invocations.payloads == [{"detector": sales, "task": "schedule", "generation": 3}]
    measures = [{"MetricName": "revenue", "AggregationFunction": "SUM"}]
    assert "deactivate" in faults_of(client, {"MetricSetArn": arn, "MetricList": measures}, "update_metric_set")["MetricList"]
    client.update_metric_set(MetricSetArn=arn, MetricList=metric_set_of(sales)["MetricList"])  # the same: no change


def test_metric_sets_are_listed_for_one_detector_or_all(client, sales, metric_set_of):
    other = client.create_anomaly_detector(AnomalyDetectorName="other", AnomalyDetectorConfig=HOURLY)["AnomalyDetectorArn"]
    for detector in (sales, other):
        client.create_metric_set(**metric_set_of(detector, Tags={"of": detector[-5:]}))
    assert len(client.list_metric_sets()["MetricSetSummaryList"]) == 2
    (found,) = client.list_metric_sets(AnomalyDetectorArn=sales)["MetricSetSummaryList"]
    assert (found["AnomalyDetectorArn"], found["Tags"]) == (sales, {"of": "sales"})
    first = client.list_metric_sets(MaxResults=1)
    second = client.list_metric_sets(MaxResults=1, NextToken=first["NextToken"])
    assert "NextToken" not in second
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_metric_sets(AnomalyDetectorArn=sales + "x")


def test_activation_needs_new_data_and_a_backtest_needs_history(client, sales, metric_set_of):
    arn = client.create_metric_set(**metric_set_of(sales, MetricSource=s3()))["MetricSetArn"]
    assert list(faults_of(client, {"AnomalyDetectorArn": sales}, "activate_anomaly_detector")) == [f"{S3}.TemplatedPathList"]
    live_only = s3(TemplatedPathList=["s3://shop/{{yyyy}}/"])
    del live_only["S3SourceConfig"]["HistoricalDataPathList"]
    client.update_metric_set(MetricSetArn=arn, MetricSource=live_only)
    assert list(faults_of(client, {"AnomalyDetectorArn": sales}, "back_test_anomaly_detector")) == [f"{S3}.HistoricalDataPathList"]
