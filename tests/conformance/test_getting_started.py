"""The order in which AWS's own samples make their calls, with the client they were written for."""

import time

HOURLY = {"AnomalyDetectorFrequency": "PT1H"}


def test_create_backtest_look_tell_delete(old, shop, await_status):
    arn = old.create_anomaly_detector(
        AnomalyDetectorName="getting-started", AnomalyDetectorDescription="the shop", AnomalyDetectorConfig=HOURLY
    )["AnomalyDetectorArn"]
    metric_set = old.create_metric_set(**shop.metric_set(arn))["MetricSetArn"]
    alert = old.create_alert(AlertName="getting-started-alert", AnomalyDetectorArn=arn, AlertSensitivityThreshold=50, Action=shop.action())[
        "AlertArn"
    ]
    old.back_test_anomaly_detector(AnomalyDetectorArn=arn)
    await_status(arn, "BACK_TEST_COMPLETE")

    groups = all_groups(old, arn, 50)
    assert groups, "the fall of mobile sales in Germany was not found"
    top = max(groups, key=lambda group: group["AnomalyGroupScore"])
    assert top["StartTime"].startswith("2026-03-18T")
    assert top["StartTime"].endswith(":00Z[UTC]")

    group = old.get_anomaly_group(AnomalyDetectorArn=arn, AnomalyGroupId=top["AnomalyGroupId"])["AnomalyGroup"]
    assert group["PrimaryMetricName"] == top["PrimaryMetricName"]
    contributions = group["MetricLevelImpactList"][0]["ContributionMatrix"]["DimensionContributionList"]
    strongest = {
        one["DimensionName"]: max(one["DimensionValueContributionList"], key=lambda value: value["ContributionScore"])["DimensionValue"]
        for one in contributions
    }
    assert strongest == {"platform": "mobile", "marketplace": "de"}

    series = old.list_anomaly_group_time_series(
        AnomalyDetectorArn=arn, AnomalyGroupId=top["AnomalyGroupId"], MetricName=top["PrimaryMetricName"]
    )
    first = series["TimeSeriesList"][0]
    assert len(first["MetricValueList"]) == len(series["TimestampList"])
    assert all(isinstance(value, float) for value in first["MetricValueList"])
    assert {one["DimensionName"]: one["DimensionValue"] for one in first["DimensionList"]} == {"platform": "mobile", "marketplace": "de"}

    said = {"AnomalyGroupId": top["AnomalyGroupId"], "TimeSeriesId": first["TimeSeriesId"], "IsAnomaly": False}
    old.put_feedback(AnomalyDetectorArn=arn, AnomalyGroupTimeSeriesFeedback=said)
    asked = {"AnomalyGroupId": top["AnomalyGroupId"]}
    heard = old.get_feedback(AnomalyDetectorArn=arn, AnomalyGroupTimeSeriesFeedback=asked)["AnomalyGroupTimeSeriesFeedback"]
    assert heard == [{"TimeSeriesId": first["TimeSeriesId"], "IsAnomaly": False}]

    old.delete_alert(AlertArn=alert)
    old.delete_anomaly_detector(AnomalyDetectorArn=arn)
    await_gone(old, arn)
    assert old.error("describe_metric_set", MetricSetArn=metric_set) == ("ResourceNotFoundException", 400)


def all_groups(old, arn, threshold):
    """As the samples page: until the answer has no NextToken."""
    groups, token = [], {}
    while True:
        answer = old.list_anomaly_group_summaries(AnomalyDetectorArn=arn, SensitivityThreshold=threshold, MaxResults=5, **token)
        groups += answer["AnomalyGroupSummaryList"]
        if "NextToken" not in answer:
            assert answer["AnomalyGroupStatistics"]["TotalCount"] == len(groups)
            return groups
        token = {"NextToken": answer["NextToken"]}


def await_gone(old, arn):
    """As the samples wait: until describing it raises ResourceNotFoundException."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = old.ask("describe_anomaly_detector", {"AnomalyDetectorArn": arn})
        if "error" in answer:
            assert answer["class"] == "ResourceNotFoundException"
            return
        assert answer["result"]["Status"] == "DELETING"
        time.sleep(0.2)
    raise AssertionError("still there after 60 s")
