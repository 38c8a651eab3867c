"""The sample Redshift's scripts fill it under the notebook's own role, and a second run leads to the same tables."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from localaws import LocalAws

pytestmark = pytest.mark.integration
FOLDER = Path(__file__).resolve().parents[2] / "sample_resources/redshift"
FLIGHTS = "SELECT COUNT(*), SUM(cancelled), SUM(delay_minutes), SUM(origin * 100 + carrier) FROM flights"
SHOP = """SELECT COUNT(*), COUNT(DISTINCT id), COUNT(CASE WHEN ts < {now} THEN 1 END), COUNT(CASE WHEN ts >= {now} THEN 1 END)
          FROM ecommerce"""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local cloud of its own, with IAM enforced."""
    with LocalAws.start(tmp_path_factory.mktemp("account") / "home") as aws:
        yield aws


@pytest.fixture(scope="module", params=["cluster", "serverless"])
def sample(account: LocalAws, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Outputs of the sample stack."""
    kind = request.param
    names = {"SecretName": f"secret-{kind}", "ClusterName": f"demo-{kind}", "SolutionRepository": "https://example.com/me/l4m.git"}
    outputs = account.deploy(FOLDER / "l4m-redshift-sagemakernotebook.yaml", f"Sample-{kind}", {"RedshiftType": kind, **names})
    yield outputs
    empty(account, outputs["S3ContentBucket"])
    account.delete_stack(f"Sample-{kind}")


def empty(aws: LocalAws, bucket: str) -> None:
    s3 = aws.client("s3")
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


@pytest.fixture
def run(account: LocalAws, sample: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the deployment script as the notebook would: with the credentials of its role, nothing else."""
    role = account.client("sagemaker").describe_notebook_instance(NotebookInstanceName=sample["Notebook"])["RoleArn"]
    environment = {**os.environ, **account.environment(), **credentials(account, role), "PYTHON": sys.executable}

    def script(data: str, **changed: str) -> subprocess.CompletedProcess[str]:
        names = {"secret": sample["RedshiftSecret"], "bucket": sample["S3ContentBucket"], "role": sample["CopyRoleArn"], **changed}
        command = [str(FOLDER / "deploy_redshift_environment.sh"), names["secret"], names["bucket"], names["role"], data]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)

    return script


def credentials(aws: LocalAws, role: str) -> dict[str, str]:
    """Keys of a role, as SageMaker hands them to the notebook."""
    owner, name = role.split("role/", 1)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"{owner}root"}, "Action": "sts:AssumeRole"}
    aws.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    given = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="notebook")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey", "AWS_SESSION_TOKEN": "SessionToken"}
    return {variable: given[key] for variable, key in names.items()}


def answer(aws: LocalAws, sample: dict[str, str], sql: str) -> list[int]:
    """One row of numbers, asked with the administrator's keys."""
    client = aws.client("redshift-data")
    place = {"ClusterIdentifier": sample.get("RedshiftCluster"), "WorkgroupName": sample.get("RedshiftWorkgroup")}
    target = {key: name for key, name in place.items() if name}
    started = client.execute_statement(Sql=sql, Database="l4mdemo", SecretArn=sample["RedshiftSecret"], **target)
    aws.wait_idle(60)
    return [field["longValue"] for field in client.get_statement_result(Id=started["Id"])["Records"][0]]


def test_a_second_run_leads_to_the_same_tables_and_a_failed_one_leaves_them(account, sample, run):
    first = run("flights")
    assert first.returncode == 0, first.stderr
    once = answer(account, sample, FLIGHTS)
    assert once[0] == 116_904
    second = run("flights")
    assert second.returncode == 0, second.stderr
    assert answer(account, sample, FLIGHTS) == once
    failed = run("flights", role=sample["CopyRoleArn"] + "-of-somebody-else")
    assert failed.returncode == 1
    assert "data_loader: load flights: failed:" in failed.stderr
    assert answer(account, sample, FLIGHTS) == once


def test_the_shop_reaches_from_half_a_year_ago_into_the_coming_weeks(account, sample, run):
    done = run("ecommerce")
    assert done.returncode == 0, done.stderr
    now = f"TIMESTAMP '{datetime.now(UTC):%Y-%m-%d %H:%M:%S}'"
    rows, ids, before, after = answer(account, sample, SHOP.format(now=now))
    assert rows == ids == before + after
    assert before > 24 * 21 * 150
    assert after > 24 * 21 * 27


def test_a_secret_that_is_not_there_is_named(run):
    failed = run("flights", secret="no-such-secret")
    assert failed.returncode == 1
    assert failed.stderr.startswith("initial_setup: An error occurred")
    assert len(failed.stderr.splitlines()) == 1
