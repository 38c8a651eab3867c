"""The tutorial's stacks fit together: what one puts out the next takes in, and the notebook's own role may start the set-up."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws import LocalAws

from .test_notebook_scripts import credentials

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = {"SolutionRepository": "https://example.com/me/l4m.git"}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local cloud of its own, with IAM enforced."""
    with LocalAws.start(tmp_path_factory.mktemp("account") / "home") as aws:
        yield aws


def run(aws: LocalAws, script: str, *arguments: str, **keys: str) -> str:
    """Run a Python script of the repository against the cloud; with ``keys`` under those in place of the administrator's."""
    environment = {**os.environ, **aws.environment(), **keys}
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for_outcome(aws: LocalAws, machine: str) -> str:
    client = aws.client("stepfunctions")
    while True:
        aws.wait_idle(120)
        (execution,) = client.list_executions(stateMachineArn=machine)["executions"]
        if execution["status"] != "RUNNING":
            return str(execution["status"])


def test_from_the_first_stack_to_a_detector(account):
    demo = account.deploy(ROOT / "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml", "ProductionRedshiftDemo", REPOSITORY)
    run(account, "sample_resources/redshift/initial_setup.py")
    run(account, "sample_resources/redshift/data_loader.py", "--bucket", demo["S3ContentBucket"], "--role", demo["CopyRoleArn"])

    database = {"RedshiftCluster": demo["RedshiftCluster"], "RedshiftSecret": demo["RedshiftSecret"]}
    solution = account.deploy(ROOT / "ai_ops/l4m-redshift-solution.yaml", "CustomRedshiftConnector", {**REPOSITORY, **database})
    policies = account.client("iam").list_policies(Scope="Local")["Policies"]
    boundary = {"PermissionsBoundary": next(policy["Arn"] for policy in policies if "CreatedRolesBoundary" in policy["PolicyName"])}
    service = account.deploy(ROOT / "ai_ops/l4m-service.yaml", "custom-rs-connector-service", boundary)
    given = {name: service[name] for name in ("ServiceEndpoint", "ServiceApiArn", "ServiceRoleArn", "SharedLayerArn")}
    connector = account.deploy(ROOT / "ai_ops/template.yaml", "custom-rs-connector", {**database, **given, **boundary})

    role = account.client("iam").get_role(RoleName=solution["RedshiftL4MSagemakerRole"])["Role"]["Arn"]
    keys = credentials(account, role)
    place = [connector["LookoutForMetricsRoleArn"], connector["InputBucketName"], "--cluster", demo["RedshiftCluster"]]
    assert "uploaded" in run(account, "ai_ops/params_builder.py", *place, "--sample", "ecommerce", "--upload", **keys)

    outcome = wait_for_outcome(account, connector["DeployStateMachineArn"])
    status = json.loads(account.client("s3").get_object(Bucket=connector["InputBucketName"], Key="params.status.json")["Body"].read())
    assert (outcome, status["state"]) == ("SUCCEEDED", "SUCCEEDED"), json.dumps(status)
    (detector,) = account.client("lookoutmetrics").list_anomaly_detectors()["AnomalyDetectorSummaryList"]
    assert detector["AnomalyDetectorName"] == "l4m-custom-redshift-connector-detector-redshift"
    assert detector["Status"] in {"LEARNING", "ACTIVE"}
