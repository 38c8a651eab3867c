"""scripts/cleanup leaves nothing of this project in an account, even when it is interrupted, and touches nothing else."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import LocalAws

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = {"SolutionRepository": "https://example.com/me/l4m.git"}
STACKS = (
    *("custom-rs-connector-crawl", "custom-rs-connector", "custom-rs-connector-service"),
    *("CustomRedshiftConnector", "ProductionRedshiftDemo"),
)
HANDED_ON = ("ServiceEndpoint", "ServiceApiArn", "ServiceRoleArn", "SharedLayerArn")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local cloud of its own: what is left in it is counted."""
    with LocalAws.start(tmp_path_factory.mktemp("account") / "home") as aws:
        yield aws


def cleanup(aws: LocalAws, *arguments: str) -> subprocess.CompletedProcess[str]:
    command, environment = [sys.executable, str(ROOT / "scripts/cleanup.py"), *arguments], {**os.environ, **aws.environment()}
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300)


def inventory(aws: LocalAws) -> dict[str, list[str]]:
    """Names of everything that the stacks can make."""
    of = aws.client
    return {
        "stacks": [stack["StackName"] for stack in of("cloudformation").describe_stacks()["Stacks"]],
        "buckets": [bucket["Name"] for bucket in of("s3").list_buckets()["Buckets"]],
        "tables": of("dynamodb").list_tables()["TableNames"],
        "roles": [role["RoleName"] for role in of("iam").list_roles()["Roles"]],
        "policies": [policy["PolicyName"] for policy in of("iam").list_policies(Scope="Local")["Policies"]],
        "functions": [function["FunctionName"] for function in of("lambda").list_functions()["Functions"]],
        "layers": [layer["LayerName"] for layer in of("lambda").list_layers()["Layers"]],
        "machines": [machine["name"] for machine in of("stepfunctions").list_state_machines()["stateMachines"]],
        "rules": [rule["Name"] for rule in of("events").list_rules()["Rules"]],
        "schedules": [item["Name"] for item in of("scheduler").list_schedules()["Schedules"]],
        "groups": [item["Name"] for item in of("scheduler").list_schedule_groups()["ScheduleGroups"]],
        "topics": [topic["TopicArn"] for topic in of("sns").list_topics()["Topics"]],
        "queues": of("sqs").list_queues().get("QueueUrls", []),
        "apis": [api["Name"] for api in of("apigatewayv2").get_apis()["Items"]],
        "logs": [group["logGroupName"] for group in of("logs").describe_log_groups()["logGroups"]],
        "alarms": [alarm["AlarmName"] for alarm in of("cloudwatch").describe_alarms()["MetricAlarms"]],
        "dashboards": [board["DashboardName"] for board in of("cloudwatch").list_dashboards()["DashboardEntries"]],
        "secrets": [secret["Name"] for secret in of("secretsmanager").list_secrets()["SecretList"]],
        "notebooks": [item["NotebookInstanceName"] for item in of("sagemaker").list_notebook_instances()["NotebookInstances"]],
        "clusters": [cluster["ClusterIdentifier"] for cluster in of("redshift").describe_clusters()["Clusters"]],
        "networks": [vpc["VpcId"] for vpc in of("ec2").describe_vpcs()["Vpcs"]],
        "addresses": [address["PublicIp"] for address in of("ec2").describe_addresses()["Addresses"]],
        "gateways": [gateway["InternetGatewayId"] for gateway in of("ec2").describe_internet_gateways()["InternetGateways"]],
    }


def deploy_everything(aws: LocalAws) -> dict[str, str]:
    """The five stacks of the tutorial, with a detector, rows and an unfinished upload in them; returns the connector's outputs."""
    demo = aws.deploy(ROOT / "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml", "ProductionRedshiftDemo", REPOSITORY)
    database = {"RedshiftCluster": demo["RedshiftCluster"], "RedshiftSecret": demo["RedshiftSecret"]}
    solution = aws.deploy(ROOT / "ai_ops/l4m-redshift-solution.yaml", "CustomRedshiftConnector", {**REPOSITORY, **database})
    service = aws.deploy(ROOT / "ai_ops/l4m-service.yaml", "custom-rs-connector-service", {})
    handed_on = {name: service[name] for name in HANDED_ON}
    connector = aws.deploy(ROOT / "ai_ops/template.yaml", "custom-rs-connector", {**database, **handed_on})
    crawl = {**database, "InputBucketName": connector["InputBucketName"], "SharedLayerArn": service["SharedLayerArn"]}
    aws.deploy(ROOT / "ai_ops/l4m-redshift-continuous-crawl.yaml", "custom-rs-connector-crawl", crawl)
    fill(aws, connector["InputBucketName"], solution["S3LambdaBucket"], demo["S3ContentBucket"])
    return connector


def fill(aws: LocalAws, *buckets: str) -> None:
    """Rows in two versions, one deleted, an upload that never ended, and a detector."""
    s3 = aws.client("s3")
    for bucket in buckets:
        for body in (b"old", b"new"):
            s3.put_object(Bucket=bucket, Key="ecommerce/live/20220112/1800/0000_part_00", Body=body)
        s3.delete_object(Bucket=bucket, Key="ecommerce/live/20220112/1800/0000_part_00")
        s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
    config = {"AnomalyDetectorFrequency": "PT1H"}
    aws.client("lookoutmetrics").create_anomaly_detector(AnomalyDetectorName="shop-redshift", AnomalyDetectorConfig=config)


def test_it_shows_asks_survives_an_interruption_and_leaves_nothing(account):
    before = inventory(account)
    deploy_everything(account)
    full = inventory(account)

    shown = cleanup(account, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "detector shop-redshift" in shown.stdout
    places = [shown.stdout.index(f"stack {name} (") for name in STACKS]
    assert places == sorted(places)
    unanswered = cleanup(account)
    assert unanswered.returncode == 1
    assert "no terminal to ask at" in unanswered.stderr
    assert inventory(account) == full

    interrupt(account, after="deleting stack custom-rs-connector-crawl")
    interrupt(account, after="deleting table")
    done = cleanup(account, "--yes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all gone\n")
    assert inventory(account) == before
    again = cleanup(account, "--yes")
    assert (again.returncode, again.stdout.startswith("nothing to delete")) == (0, True)


def interrupt(aws: LocalAws, after: str) -> None:
    """Kill a clean-up as soon as it has said something."""
    command, environment = [sys.executable, "-u", str(ROOT / "scripts/cleanup.py"), "--yes"], {**os.environ, **aws.environment()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        patience = threading.Timer(300, process.kill)
        patience.start()
        assert any(line.startswith(after) for line in process.stdout), f"the clean-up ended, or went on for 300 s, and never said {after}"
        patience.cancel()
        process.kill()


def test_one_stack_of_the_root_template_takes_and_loses_every_option_and_goes_with_all_that_is_nested_in_it(account):
    before = inventory(account)
    secret = account.client("secretsmanager").create_secret(Name="shop", SecretString="{}")["ARN"]
    given = {"RedshiftCluster": "demo", "RedshiftSecret": secret}
    account.deploy(ROOT / "template.yaml", "l4m", given | options(account))
    assert {tuple(facts.values()) for facts in functions(account).values()} == {(2, 3, True)}
    outputs = account.deploy(ROOT / "template.yaml", "l4m", given)
    assert {tuple(facts.values()) for facts in functions(account).values()} == {(0, 0, False)}

    fill(account, outputs["InputBucketName"])
    done = cleanup(account, "--yes")  # samconfig.toml knows its name
    assert done.returncode == 0, done.stderr
    account.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    account.client("iam").delete_policy(PolicyArn=options_boundary(account))
    assert inventory(account) == before


def options(aws: LocalAws) -> dict[str, str]:
    """Every option of the root template, with what it names."""
    ec2 = aws.client("ec2")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    return {
        "NamePrefix": "custom-rs-connector",
        "SubnetIds": ",".join(sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"])[:2]),
        "SecurityGroupIds": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "XRayTracing": "true",
        "LogRetentionDays": "7",
        "KmsKeyArn": aws.client("kms").create_key()["KeyMetadata"]["Arn"],
        "PermissionsBoundary": aws.client("iam").create_policy(PolicyName="ceiling", PolicyDocument=json.dumps(everything))["Policy"][
            "Arn"
        ],
    }


def options_boundary(aws: LocalAws) -> str:
    return next(policy["Arn"] for policy in aws.client("iam").list_policies(Scope="Local")["Policies"] if policy["PolicyName"] == "ceiling")


def functions(aws: LocalAws) -> dict[str, dict[str, object]]:
    """What the options change on each function and its role."""
    iam, found = aws.client("iam"), {}
    for function in aws.client("lambda").list_functions()["Functions"]:
        role = function["Role"].rsplit("/", 1)[-1]
        found[function["FunctionName"]] = {
            "subnets": len(function.get("VpcConfig", {}).get("SubnetIds", [])),
            "policies": len(iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]),
            "bounded": "PermissionsBoundary" in iam.get_role(RoleName=role)["Role"],
        }
    return found


def test_a_stack_of_somebody_else_is_left_alone(account):
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
    account.client("cloudformation").create_stack(StackName="custom-rs-connector", TemplateBody=json.dumps(template))
    try:
        refused = cleanup(account, "--yes")
        assert refused.returncode == 1
        assert "custom-rs-connector has no resource InputBucket" in refused.stderr
        assert "custom-rs-connector" in inventory(account)["stacks"]
    finally:
        account.client("cloudformation").delete_stack(StackName="custom-rs-connector")
