"""Good calls on detectors, metric sets, alerts and tags, by the unmodified client; one test per operation, named like it."""

HOURLY = {"AnomalyDetectorFrequency": "PT1H"}
SCOPE = "arn:aws:lookoutmetrics:us-east-1:123456789012"


def test_create_anomaly_detector(here):
    answer = here.old.create_anomaly_detector(
        AnomalyDetectorName="full",
        AnomalyDetectorDescription="with all that it can have",
        AnomalyDetectorConfig=HOURLY,
        KmsKeyArn="arn:aws:kms:us-east-1:123456789012:key/12345678-abcd-1234-abcd-1234567890ab",
        Tags={"team": "growth"},
    )
    assert answer["AnomalyDetectorArn"] == f"{SCOPE}:AnomalyDetector:full"


def test_describe_anomaly_detector(here):
    answer = here.old.describe_anomaly_detector(AnomalyDetectorArn=here.arn)
    assert (answer["AnomalyDetectorName"], answer["AnomalyDetectorConfig"], answer["Status"]) == ("done", HOURLY, "BACK_TEST_COMPLETE")
    assert answer["LastModificationTime"] >= answer["CreationTime"] > 1.7e9


def test_update_anomaly_detector(here):
    here.old.update_anomaly_detector(AnomalyDetectorArn=here.arn, AnomalyDetectorDescription="changed")
    assert here.old.describe_anomaly_detector(AnomalyDetectorArn=here.arn)["AnomalyDetectorDescription"] == "changed"


def test_list_anomaly_detectors(here):
    names, answer = set(), here.old.list_anomaly_detectors(MaxResults=1)
    while True:
        names |= {one["AnomalyDetectorName"] for one in answer["AnomalyDetectorSummaryList"]}
        if "NextToken" not in answer:
            break
        answer = here.old.list_anomaly_detectors(MaxResults=1, NextToken=answer["NextToken"])
    assert {"done", "live"} <= names


def test_create_metric_set(here):
    arn = here.detector("with-metric-set")
    answer = here.old.create_metric_set(**here.shop.metric_set(arn))
    assert answer["MetricSetArn"] == f"{SCOPE}:MetricSet/with-metric-set/orders"


def test_describe_metric_set(here):
    answer = here.old.describe_metric_set(MetricSetArn=here.metric_set)
    given = here.shop.metric_set(here.arn)
    for name in ("AnomalyDetectorArn", "MetricSetName", "MetricList", "DimensionList", "TimestampColumn", "MetricSetFrequency"):
        assert answer[name] == given[name]
    assert answer["MetricSource"]["S3SourceConfig"]["HistoricalDataPathList"] == ["s3://conformance-shop/past/"]


def test_update_metric_set(here):
    here.old.update_metric_set(MetricSetArn=here.metric_set, Offset=600, MetricSetDescription="later")
    answer = here.old.describe_metric_set(MetricSetArn=here.metric_set)
    assert (answer["Offset"], answer["MetricSetDescription"]) == (600, "later")


def test_list_metric_sets(here):
    (found,) = here.old.list_metric_sets(AnomalyDetectorArn=here.arn)["MetricSetSummaryList"]
    assert (found["MetricSetArn"], found["Tags"]) == (here.metric_set, {"a": "b"})


def test_create_alert(here):
    filters = {"MetricList": ["views"], "DimensionFilterList": [{"DimensionName": "platform", "DimensionValueList": ["pc"]}]}
    answer = here.old.create_alert(AlertName="made", AnomalyDetectorArn=here.arn, Action=here.shop.action(), AlertFilters=filters)
    assert here.old.describe_alert(AlertArn=answer["AlertArn"])["Alert"]["AlertFilters"] == filters


def test_describe_alert(here):
    answer = here.old.describe_alert(AlertArn=here.alert)["Alert"]
    assert (answer["AlertType"], answer["AlertStatus"], answer["Action"]) == ("SNS", "ACTIVE", here.shop.action())


def test_update_alert(here):
    here.old.update_alert(AlertArn=here.alert, AlertSensitivityThreshold=99)
    assert here.old.describe_alert(AlertArn=here.alert)["Alert"]["AlertSensitivityThreshold"] == 99


def test_list_alerts(here):
    found = {one["AlertArn"]: one for one in here.old.list_alerts(AnomalyDetectorArn=here.arn)["AlertSummaryList"]}
    assert found[here.alert]["Tags"] == {"a": "b"}


def test_delete_alert(here):
    arn = here.old.create_alert(AlertName="short-lived", AnomalyDetectorArn=here.arn, Action=here.shop.action())["AlertArn"]
    here.old.delete_alert(AlertArn=arn)
    assert here.old.error("describe_alert", AlertArn=arn) == ("ResourceNotFoundException", 400)


def test_activate_anomaly_detector(here):
    arn = here.detector("activated", watched=True)
    here.old.activate_anomaly_detector(AnomalyDetectorArn=arn)
    here.await_status(arn, "LEARNING", "ACTIVE")


def test_back_test_anomaly_detector(here):
    arn = here.detector("tested", watched=True)
    for _ in range(2):  # it can be repeated
        here.old.back_test_anomaly_detector(AnomalyDetectorArn=arn)
        here.await_status(arn, "BACK_TEST_COMPLETE")


def test_deactivate_anomaly_detector(here):
    arn = here.detector("stopped", watched=True)
    here.old.activate_anomaly_detector(AnomalyDetectorArn=arn)
    here.await_status(arn, "LEARNING", "ACTIVE")
    here.old.deactivate_anomaly_detector(AnomalyDetectorArn=arn)
    here.await_status(arn, "INACTIVE")


def test_delete_anomaly_detector(here):
    here.old.delete_anomaly_detector(AnomalyDetectorArn=here.detector("deleted"))


def test_tag_resource(here):
    for arn in (here.arn, here.metric_set, here.alert):
        here.old.tag_resource(ResourceArn=arn, Tags={"team": "growth", "empty": ""})
        assert here.old.list_tags_for_resource(ResourceArn=arn)["Tags"].items() >= {"team": "growth", "empty": ""}.items()


def test_untag_resource(here):
    here.old.tag_resource(ResourceArn=here.metric_set, Tags={"z z": "1", "ü": "2"})
    here.old.untag_resource(ResourceArn=here.metric_set, TagKeys=["z z", "ü"])
    assert not {"z z", "ü"} & set(here.old.list_tags_for_resource(ResourceArn=here.metric_set)["Tags"])


def test_list_tags_for_resource(here):
    assert here.old.list_tags_for_resource(ResourceArn=here.alert)["Tags"]["a"] == "b"
