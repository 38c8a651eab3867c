"""CloudFormation: SAM templates, nested stacks, updates in place, and what moto leaves out."""

import json

import pytest

from localaws import LocalAwsError

SMALL = """
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Kind: {Type: String, Default: plain, AllowedValues: [plain, fancy]}
  Label: {Type: String, AllowedPattern: '^[a-z]+$', Default: label}
  Count: {Type: Number, Default: 1, MinValue: 1, MaxValue: 5}
Rules:
  NotBoth:
    RuleCondition: !Equals [!Ref Kind, fancy]
    Assertions: [{Assert: !Not [!Equals [!Ref Label, plain]], AssertDescription: A fancy thing is not labelled plain.}]
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: !Ref Count}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub 'topic-${Label}'}}
  Bucket: {Type: AWS::S3::Bucket, DeletionPolicy: %s}
Outputs:
  Queue: {Value: !Ref Queue}
  Topic: {Value: !Ref Topic}
  Bucket: {Value: !Ref Bucket}
"""


@pytest.fixture
def small(cloud, tmp_path):
    """Deploy a small stack, and delete it in the end."""
    file = tmp_path / "small.yaml"

    def deploy(policy="Delete", **parameters):
        file.write_text(SMALL % policy)
        return cloud.deploy(file, "small", parameters)

    yield deploy
    if any(item["StackName"] == "small" for item in cloud.client("cloudformation").describe_stacks()["Stacks"]):
        cloud.delete_stack("small")


def test_outputs_of_a_nested_stack_reach_its_parent(app):
    assert app["EchoArn"].startswith("arn:aws:lambda:us-east-1:123456789012:function:sample-Child-")
    assert app["InputBucketName"] == "sample-us-east-1-123456789012"


def test_what_a_bucket_declares_is_there(cloud, app):
    s3, bucket = cloud.client("s3"), app["InputBucketName"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]["ID"] == "old"


def test_a_secret_is_generated_into_its_template(cloud, app):
    value = json.loads(cloud.client("secretsmanager").get_secret_value(SecretId=app["SecretArn"])["SecretString"])
    assert value["dbClusterIdentifier"] == "shop-cluster"
    assert len(value["password"]) == 24 and not set(value["password"]) & set('"@/\\')


def test_tables_logs_and_alarms_keep_their_settings(cloud, app):
    assert cloud.client("dynamodb").describe_time_to_live(TableName=app["TableName"])["TimeToLiveDescription"]["AttributeName"] == "expires"
    backups = cloud.client("dynamodb").describe_continuous_backups(TableName=app["TableName"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert {item.get("retentionInDays") for item in cloud.client("logs").describe_log_groups()["logGroups"]} >= {30}
    assert any(item["AlarmName"].startswith("sample-Backlog-") for item in cloud.client("cloudwatch").describe_alarms()["MetricAlarms"])


def test_deploying_the_same_again_changes_nothing(cloud, app, root):
    before = cloud.client("lambda").get_function(FunctionName=app["EchoArn"])["Configuration"]
    assert cloud.deploy(root / "tests/integration/local/fixtures/app/template.yaml", "sample") == app
    assert cloud.client("lambda").get_function(FunctionName=app["EchoArn"])["Configuration"] == before


def test_a_changed_parameter_reaches_what_depends_on_it_and_only_that(cloud, app, root, invoke):
    template = root / "tests/integration/local/fixtures/app/template.yaml"
    cloud.client("s3").put_object(Bucket=app["InputBucketName"], Key="in/kept", Body=b"kept")
    changed = cloud.deploy(template, "sample", {"Greeting": "good day", "WithTopic": "no"})
    assert changed == app
    assert invoke(task="environment", names=["GREETING"])[0] == {"GREETING": "good day there"}
    assert invoke(task="read", bucket=app["InputBucketName"], key="in/kept") == ("kept", None)
    topics = [item["TopicArn"] for item in cloud.client("sns").list_topics()["Topics"]]
    assert not any("sample-Child-" in topic for topic in topics)
    cloud.deploy(template, "sample", {"Greeting": "hello", "WithTopic": "yes"})
    topics = [item["TopicArn"] for item in cloud.client("sns").list_topics()["Topics"]]
    assert any("sample-Child-" in topic for topic in topics)


def test_a_changed_name_replaces_and_a_changed_setting_updates(cloud, small):
    first = small()
    second = small(Label="other", Count=3)
    assert first["Queue"] == second["Queue"]
    assert cloud.client("sqs").get_queue_attributes(QueueUrl=second["Queue"], AttributeNames=["DelaySeconds"])["Attributes"] == {
        "DelaySeconds": "3"
    }
    topics = [item["TopicArn"] for item in cloud.client("sns").list_topics()["Topics"]]
    assert second["Topic"] in topics and first["Topic"] not in topics


def test_a_deleted_stack_leaves_only_what_is_retained(cloud, small):
    made = small(policy="Retain")
    cloud.delete_stack("small")
    assert made["Bucket"] in [item["Name"] for item in cloud.client("s3").list_buckets()["Buckets"]]
    assert made["Topic"] not in [item["TopicArn"] for item in cloud.client("sns").list_topics()["Topics"]]
    cloud.client("s3").delete_bucket(Bucket=made["Bucket"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Kind": "odd"}, "Kind: 'odd' is none of plain, fancy"),
        ({"Label": "A1"}, "Label: 'A1' does not match"),
        ({"Count": 9}, "Count: 9 is more than 5"),
        ({"Kind": "fancy", "Label": "plain"}, "A fancy thing is not labelled plain."),
        ({"Nothing": 1}, "parameters that the template does not have: Nothing"),
    ],
)
def test_a_parameter_that_the_template_does_not_allow_is_refused(small, parameters, message):
    with pytest.raises(LocalAwsError, match=message):
        small(**parameters)


def test_a_type_that_is_not_known_is_named_and_nothing_is_left(cloud, tmp_path):
    file = tmp_path / "odd.yaml"
    file.write_text("Resources: {Queue: {Type: 'AWS::SQS::Queue'}, Odd: {Type: 'AWS::Quantum::Computer'}}")
    with pytest.raises(LocalAwsError, match="AWS::Quantum::Computer"):
        cloud.deploy(file, "odd")
    assert "odd" not in [item["StackName"] for item in cloud.client("cloudformation").describe_stacks()["Stacks"]]


def test_a_stack_that_cannot_be_made_is_taken_down_again(cloud, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        "Resources:\n  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: half-made}}\n"
        "  Rule: {Type: 'AWS::Events::Rule', DependsOn: Queue, Properties: {ScheduleExpression: 'sometimes'}}\n"
    )
    with pytest.raises(LocalAwsError):
        cloud.deploy(file, "bad")
    assert not [url for url in cloud.client("sqs").list_queues().get("QueueUrls", []) if url.endswith("/half-made")]
