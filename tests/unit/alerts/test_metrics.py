"""Figures of a run arrive in CloudWatch by detector and as totals, which alarms watch."""

import boto3
from moto import mock_aws

from l4m.alerts.metrics import Metrics

ARN = "arn:aws:lookoutmetrics:us-east-1:123456789012:AnomalyDetector:sales"


def totals(metrics: Metrics) -> dict[str, float]:
    found: dict[str, float] = {}
    for datum in metrics.data:
        if datum["Dimensions"] == [{"Name": "Service", "Value": "shop-table"}]:
            found[datum["MetricName"]] = found.get(datum["MetricName"], 0) + datum["Value"]
    return found


def test_every_count_also_goes_into_a_total_of_the_installation():
    metrics = Metrics(ARN, "shop-table")
    metrics.count_executions("Started", 3)
    metrics.count_executions("Failed")
    metrics.count_executions("Succeeded", 0)
    metrics.count_delivery("arn:alert", is_delivered=False)
    metrics.count_delivery("arn:alert", is_delivered=True)
    metrics.note_lag(90)
    assert totals(metrics) == {"ExecutionsStarted": 3, "ExecutionsFailed": 1, "Undelivered": 1, "Delivered": 1, "DetectionLag": 90}
    by_detector = {datum["MetricName"] for datum in metrics.data if {"Name": "AnomalyDetectorArn", "Value": ARN} in datum["Dimensions"]}
    assert by_detector == {"ExecutionsStarted", "ExecutionsFailed", "DetectionLag"}


@mock_aws
def test_they_are_sent_once():
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")
    metrics = Metrics(ARN, "shop-table")
    metrics.note_scores(["views", "revenue"], [{"measure": "views", "score": 71.5}])
    metrics.send(cloudwatch)
    metrics.send(cloudwatch)
    listed = cloudwatch.list_metrics(Namespace="LookoutMetrics")["Metrics"]
    assert {dimension["Value"] for metric in listed for dimension in metric["Dimensions"]} == {ARN, "views", "revenue"}
    assert metrics.data == []
