"""Good calls on groups, feedback, executions and data, by the unmodified client; one test per operation, named like it."""

import pytest


def test_list_anomaly_group_summaries(here):
    answer = here.old.list_anomaly_group_summaries(AnomalyDetectorArn=here.arn, SensitivityThreshold=0)
    starts = [group["StartTime"] for group in answer["AnomalyGroupSummaryList"]]
    assert starts == sorted(starts, reverse=True)
    assert answer["AnomalyGroupStatistics"]["TotalCount"] >= len(starts) > 0
    counted = {one["MetricName"]: one["OccurrenceCount"] for one in answer["AnomalyGroupStatistics"]["ItemizedMetricStatsList"]}
    assert sum(counted.values()) == answer["AnomalyGroupStatistics"]["TotalCount"]


def test_get_anomaly_group(here):
    answer = here.old.get_anomaly_group(AnomalyDetectorArn=here.arn, AnomalyGroupId=here.group["AnomalyGroupId"])["AnomalyGroup"]
    for impact in answer["MetricLevelImpactList"]:
        for one in impact["ContributionMatrix"]["DimensionContributionList"]:
            assert sum(value["ContributionScore"] for value in one["DimensionValueContributionList"]) == pytest.approx(100, abs=0.01)


def test_list_anomaly_group_time_series(here):
    answer = here.time_series(MaxResults=1)
    (series,) = answer["TimeSeriesList"]
    assert len(series["TimeSeriesId"]) == 128
    assert answer["TimestampList"][-1] == here.group["StartTime"]
    assert len(series["MetricValueList"]) == len(answer["TimestampList"])


def test_list_anomaly_group_related_metrics(here):
    asked = {"AnomalyDetectorArn": here.arn, "AnomalyGroupId": here.group["AnomalyGroupId"]}
    for one in here.old.list_anomaly_group_related_metrics(**asked)["InterMetricImpactList"]:
        assert one["MetricName"] in ("views", "revenue")
        assert one["RelationshipType"].endswith("_OF_INPUT_ANOMALY_GROUP")


def test_put_feedback(here):
    said = {"AnomalyGroupId": here.group["AnomalyGroupId"], "TimeSeriesId": here.series, "IsAnomaly": True}
    here.old.put_feedback(AnomalyDetectorArn=here.arn, AnomalyGroupTimeSeriesFeedback=said)


def test_get_feedback(here):
    said = {"AnomalyGroupId": here.group["AnomalyGroupId"], "TimeSeriesId": here.series, "IsAnomaly": True}
    here.old.put_feedback(AnomalyDetectorArn=here.arn, AnomalyGroupTimeSeriesFeedback=said)
    asked = {"AnomalyGroupId": here.group["AnomalyGroupId"], "TimeSeriesId": here.series}
    answer = here.old.get_feedback(AnomalyDetectorArn=here.arn, AnomalyGroupTimeSeriesFeedback=asked)
    assert answer["AnomalyGroupTimeSeriesFeedback"] == [{"TimeSeriesId": here.series, "IsAnomaly": True}]


def test_describe_anomaly_detection_executions(here):
    for execution in here.old.describe_anomaly_detection_executions(AnomalyDetectorArn=here.live, MaxResults=5)["ExecutionList"]:
        assert execution["Timestamp"].endswith("Z[UTC]")
        assert execution["Status"] in ("PENDING", "IN_PROGRESS", "COMPLETED", "FAILED", "FAILED_TO_SCHEDULE")


def test_get_data_quality_metrics(here):
    (report,) = here.old.get_data_quality_metrics(AnomalyDetectorArn=here.arn)["AnomalyDetectorDataQualityMetricList"]
    metrics = {one["MetricType"]: one["MetricValue"] for one in report["MetricSetDataQualityMetricList"][0]["DataQualityMetricList"]}
    assert metrics["TIME_SERIES_COUNT"] == 12
    assert metrics["ROWS_PROCESSED"] == 20 * 24 * 6


def test_get_sample_data(here):
    answer = here.old.get_sample_data(S3SourceConfig=here.shop.source())
    assert answer["HeaderValues"] == ["timestamp", "platform", "marketplace", "views", "revenue"]
    assert answer["SampleRows"][0][:3] == ["2026-03-01 00:00:00", "pc", "de"]


def test_detect_metric_set_config(here):
    paths = {"S3SourceConfig": {"HistoricalDataPathList": here.shop.source()["HistoricalDataPathList"]}}
    answer = here.old.detect_metric_set_config(AnomalyDetectorArn=here.arn, AutoDetectionMetricSource=paths)["DetectedMetricSetConfig"]
    detected = answer["MetricSource"]["S3SourceConfig"]["FileFormatDescriptor"]["CsvFormatDescriptor"]
    assert detected["Delimiter"]["Value"] == {"S": ","}
    assert detected["HeaderList"]["Value"]["SS"][0] == "timestamp"
    assert answer["MetricSetFrequency"]["Value"] == {"S": "PT1H"}
