"""A colleague who may call the API, and nothing else, reaches nothing with another team's role; IAM is enforced."""

import json
import os
import subprocess

import pytest

from l4m.api.service_model import MODELS

from .conftest import OldClient


@pytest.fixture
def name(request):
    """A colleague of a test's own: what somebody may pass is remembered for a while."""
    return f"colleague-{abs(hash(request.node.name)) % 10**6}"


@pytest.fixture
def colleague(aws, old_python, name):
    """A client of a user with ``execute-api:Invoke`` alone."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    give(aws, name, "call", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    client = OldClient(aws.environment() | keys)
    yield client
    client.close()
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def give(aws, name, policy_name, statement):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").put_user_policy(UserName=name, PolicyName=policy_name, PolicyDocument=policy)


def test_another_teams_rows_are_read_by_those_who_may_pass_its_role(aws, shop, name, colleague):
    assert colleague.error("get_sample_data", S3SourceConfig=shop.source()) == ("AccessDeniedException", 403)
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": shop.role}
    give(aws, name, "pass", passing | {"Condition": {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}})
    assert colleague.error("get_sample_data", S3SourceConfig=shop.source()) == ("AccessDeniedException", 403)
    give(aws, name, "pass", passing | {"Condition": {"StringEquals": {"iam:PassedToService": "lookoutmetrics.amazonaws.com"}}})
    assert colleague.get_sample_data(S3SourceConfig=shop.source())["HeaderValues"][0] == "timestamp"


def test_nor_does_the_service_shout_for_them(here, shop, colleague):
    asked = {"AlertName": "colleague", "AnomalyDetectorArn": here.arn, "Action": shop.action()}
    assert colleague.error("create_alert", **asked) == ("AccessDeniedException", 403)
    assert colleague.error("update_alert", AlertArn=here.alert, Action=shop.action()) == ("AccessDeniedException", 403)


def test_the_services_own_bucket_is_read_by_nobody(aws, old):
    """Without a metric set there is no role of the user's to read with, and the service's own reads for nobody."""
    made = old.create_anomaly_detector(AnomalyDetectorName="bucketless", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    paths = {"S3SourceConfig": {"HistoricalDataPathList": [f"s3://{aws.outputs['StateBucketName']}/"]}}
    asked = {"AnomalyDetectorArn": made["AnomalyDetectorArn"], "AutoDetectionMetricSource": paths}
    assert old.error("detect_metric_set_config", **asked) == ("ValidationException", 400)
    old.delete_anomaly_detector(AnomalyDetectorArn=made["AnomalyDetectorArn"])


def test_a_client_that_signs_for_the_old_service_is_told_so(aws, old_python):
    """As API Gateway does; a local AWS that let it pass would hide that from everybody who tries things there."""
    code = "import boto3; boto3.client('lookoutmetrics').list_anomaly_detectors()"
    environment = aws.environment()
    environment.pop("AWS_DATA_PATH", None)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | environment
    done = subprocess.run([old_python, "-c", code], env=kept, capture_output=True, text=True, check=False, timeout=180)
    assert "(403)" in done.stderr or "Credential should be scoped to correct service" in done.stderr
    done = subprocess.run(
        [old_python, "-c", code], env=kept | {"AWS_DATA_PATH": str(MODELS)}, capture_output=True, text=True, check=False, timeout=180
    )
    assert done.returncode == 0, done.stderr
