"""params_builder fills in what is known after deployment only, and lets the database use the role."""

import json
import subprocess
import sys

import boto3
import pytest
from botocore.stub import Stubber

ROLE = "arn:aws:iam::123456789012:role/custom-rs-connector-LookoutForMetricsRole-1"
OTHER = "arn:aws:iam::123456789012:role/Copy"
CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}


@pytest.fixture
def builder(load_script):
    return load_script("ai_ops/params_builder.py")


@pytest.fixture
def given(root):
    return json.loads((root / "ai_ops/params.json").read_text())


def test_paths_role_and_bucket_are_those_of_the_reference(builder, given):
    built = builder.build(given, ROLE, "bucket")
    source = built["metric_source"]["S3SourceConfig"]
    assert source["RoleArn"] == ROLE
    assert source["HistoricalDataPathList"] == ["s3://bucket/ecommerce/backtest/"]
    assert source["TemplatedPathList"] == ["s3://bucket/ecommerce/live/{{yyyyMMdd}}/{{HHmm}}"]
    assert built["s3_path_continuous_root"] == "s3://bucket/ecommerce/live/"
    assert built["s3_bucket"] == "bucket"


def test_everything_else_stays_as_the_user_wrote_it(builder, given):
    built = builder.build({**given, "sensitivity": 70}, ROLE, "bucket")
    kept = given.keys() - {"metric_source", "s3_bucket"}
    assert {key: built[key] for key in kept} == {key: given[key] for key in kept}
    assert built["sensitivity"] == 70
    formats = [params["metric_source"]["S3SourceConfig"]["FileFormatDescriptor"] for params in (built, given)]
    assert formats[0] == formats[1]


def test_another_database_has_its_own_type_secret_and_name(builder, given):
    made = builder.for_database(given, "postgresql")
    assert (made["database_type"], made["secret_name"]) == ("postgresql", "postgresql-l4mintegration")
    assert made["detector_name"] == "l4m-custom-connector-detector"
    assert builder.for_database(made, "postgresql") == made


def test_building_twice_changes_nothing(builder, given):
    once = builder.build(given, ROLE, "bucket")
    assert builder.build(once, ROLE, "bucket") == once


@pytest.mark.parametrize(
    ("role", "bucket", "folder", "named"),
    [("LookoutForMetricsRole", "bucket", "shop", "ROLE"), (ROLE, "s3://bucket", "shop", "BUCKET"), (ROLE, "bucket", "../x", "--folder")],
)
def test_nonsense_is_refused_by_name(builder, given, role, bucket, folder, named):
    with pytest.raises(builder.RefusedError, match=named):
        builder.build(given, role, bucket, folder)


def test_the_command_prints_a_file_or_refuses(root):
    command = [sys.executable, str(root / "ai_ops/params_builder.py")]
    printed = subprocess.run([*command, ROLE, "bucket", "--sample", "flights"], capture_output=True, text=True, check=True, timeout=60)
    built = json.loads(printed.stdout)
    assert built["timezone"] == "America/New_York"
    assert built["s3_path_continuous_root"] == "s3://bucket/flights/live/"
    refused = subprocess.run([*command, "no-role", "bucket"], capture_output=True, text=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr == "params_builder: ROLE is not the ARN of a role: 'no-role'\n"
    for arguments in ([], [ROLE], [ROLE, "bucket", "--stack", "x"], ["--stack", "x", "--cluster", "a", "--workgroup", "b"]):
        assert subprocess.run([*command, *arguments], capture_output=True, check=False, timeout=60).returncode == 2


def test_a_stack_without_the_outputs_is_refused(builder):
    client = boto3.client("cloudformation", **CREDENTIALS)
    with Stubber(client) as stub:
        stack = {"StackName": "x", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        stub.add_response("describe_stacks", {"Stacks": [{**stack, "Outputs": [{"OutputKey": "InputBucketName", "OutputValue": "b"}]}]})
        with pytest.raises(builder.RefusedError, match="no output LookoutForMetricsRoleArn"):
            builder.stack_outputs(client, "x")


def cluster(*roles: tuple[str, str]) -> dict:
    return {"Clusters": [{"IamRoles": [{"IamRoleArn": arn, "ApplyStatus": status} for arn, status in roles]}]}


def test_the_cluster_gets_the_role_once_and_is_waited_for(builder):
    client, pauses = boto3.client("redshift", **CREDENTIALS), []
    with Stubber(client) as stub:
        stub.add_response("describe_clusters", cluster((OTHER, "in-sync")))
        stub.add_response("modify_cluster_iam_roles", {}, {"ClusterIdentifier": "demo", "AddIamRoles": [ROLE]})
        stub.add_response("describe_clusters", cluster((OTHER, "in-sync"), (ROLE, "adding")))
        stub.add_response("describe_clusters", cluster((OTHER, "in-sync"), (ROLE, "in-sync")))
        builder.attach_to_cluster(client, "demo", ROLE, pauses.append)
        stub.assert_no_pending_responses()
        stub.add_response("describe_clusters", cluster((ROLE, "in-sync")))
        stub.add_response("describe_clusters", cluster((ROLE, "in-sync")))
        builder.attach_to_cluster(client, "demo", ROLE, pauses.append)
        stub.assert_no_pending_responses()
    assert pauses == [2]


def test_the_workgroup_keeps_the_roles_it_has(builder):
    client = boto3.client("redshift-serverless", **CREDENTIALS)
    listed = f"IamRole(applyStatus=in-sync, iamRoleArn={OTHER})"
    with Stubber(client) as stub:
        stub.add_response("get_workgroup", {"workgroup": {"namespaceName": "space"}}, {"workgroupName": "demo"})
        stub.add_response("get_namespace", {"namespace": {"iamRoles": [listed]}}, {"namespaceName": "space"})
        stub.add_response("update_namespace", {"namespace": {}}, {"namespaceName": "space", "iamRoles": [OTHER, ROLE]})
        stub.add_response("get_namespace", {"namespace": {"iamRoles": [listed, f"IamRole(applyStatus=in-sync, iamRoleArn={ROLE})"]}})
        builder.attach_to_workgroup(client, "demo", ROLE, lambda seconds: None)
        stub.assert_no_pending_responses()


def test_a_role_that_never_arrives_is_an_error(builder):
    client = boto3.client("redshift", **CREDENTIALS)
    with Stubber(client) as stub:
        for _ in range(builder.ROLE_WAIT_SECONDS // 2 + 1):
            stub.add_response("describe_clusters", cluster((ROLE, "adding")))
        with pytest.raises(builder.RefusedError, match="in vain for cluster demo"):
            builder.attach_to_cluster(client, "demo", ROLE, lambda seconds: None)


def test_an_upload_waits_for_its_right_but_not_for_ever(builder):
    client, pauses = boto3.client("s3", **CREDENTIALS), []
    wanted = {"Bucket": "bucket", "Key": "params.json", "Body": b"{}", "ContentType": "application/json"}
    with Stubber(client) as stub:
        stub.add_client_error("put_object", "AccessDenied", expected_params=wanted)
        stub.add_response("put_object", {}, wanted)
        builder.upload(client, "bucket", "{}", pauses.append)
        stub.assert_no_pending_responses()
        stub.add_client_error("put_object", "NoSuchBucket")
        with pytest.raises(client.exceptions.ClientError, match="NoSuchBucket"):
            builder.upload(client, "bucket", "{}", pauses.append)
        for _ in range(builder.RIGHT_WAIT_SECONDS // 2):
            stub.add_client_error("put_object", "AccessDenied")
        with pytest.raises(builder.RefusedError, match="waited 60 s in vain for the right"):
            builder.upload(client, "bucket", "{}", pauses.append)
    assert len(pauses) == 1 + builder.RIGHT_WAIT_SECONDS // 2


def test_trouble_with_aws_is_told_in_one_line(root):
    command = [sys.executable, str(root / "ai_ops/params_builder.py"), ROLE, "bucket", "--cluster", "shop"]
    done = subprocess.run(command, env={"HOME": "/nonexistent"}, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "params_builder: You must specify a region.\n")
