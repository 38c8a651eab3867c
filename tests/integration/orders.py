"""What tests of the service alone share: a detector over orders in a bucket, and the role that may read them."""

import json
from typing import Any

from localaws import LocalAws


def create_detector(api: Any, name: str, role: str, bucket: str, **more: Any) -> dict[str, str]:
    """A new detector over the hourly orders in a bucket, with its metric set, of which ``more`` may be said."""
    about = {
        "AnomalyDetectorArn": api.create_anomaly_detector(
            AnomalyDetectorName=name, AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"}
        )["AnomalyDetectorArn"]
    }
    api.create_metric_set(
        **about,
        MetricSetName="orders",
        MetricList=[{"MetricName": "orders", "AggregationFunction": "SUM"}],
        TimestampColumn={"ColumnName": "time", "ColumnFormat": "yyyy-MM-dd HH:mm:ss"},
        MetricSetFrequency="PT1H",
        MetricSource={
            "S3SourceConfig": {
                "RoleArn": role,
                "TemplatedPathList": [f"s3://{bucket}/live/{{{{yyyyMMddHH}}}}"],
                "HistoricalDataPathList": [f"s3://{bucket}/past/"],
                "FileFormatDescriptor": {"CsvFormatDescriptor": {"ContainsHeader": True, "Delimiter": ","}},
            }
        },
        **more,
    )
    return about


def create_role(cloud: LocalAws, name: str, service_role: str, bucket: str) -> str:
    """ARN of a role that the service may take, and that may read a bucket."""
    iam = cloud.client("iam")
    trusted = {"Effect": "Allow", "Principal": {"AWS": service_role}, "Action": "sts:AssumeRole"}
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    return str(role["Arn"])
