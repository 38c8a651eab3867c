"""`l4m verify` against the local AWS: a healthy installation passes, and each thing that is broken is told in its own line."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from l4m.commands.verify import CHECKS, Installation, verify
from localaws import LocalAws

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = {"SolutionRepository": "https://example.com/me/l4m.git"}


@dataclass
class Functions:
    """Lambda's quotas, which the local AWS does not have."""

    free: int

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": self.free}}


@dataclass
class Installed:
    """The root's stack, its outputs, and the local AWS that it stands in; ``replaced`` stands for clients of single services."""

    aws: LocalAws
    outputs: dict[str, str]
    replaced: dict[str, Any]

    def client(self, service: str) -> Any:
        return self.replaced.get(service) or self.aws.client(service)

    def missing(self, stack: str = "l4m") -> dict[str, str]:
        """What is told of everything that did not pass."""
        lines = list(verify(Installation(self, stack, pause=lambda _: None)))
        return {line.check: line.told for line in lines if not line.passed}

    def resources(self, kind: str) -> list[str]:
        found = Installation(self, "l4m")
        found.find()
        return found.resources[kind]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """A database, and everything that the root template makes, with the role given to the cluster."""
    with LocalAws.start(tmp_path_factory.mktemp("verify") / "home") as aws:
        demo = aws.deploy(ROOT / "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml", "ProductionRedshiftDemo", REPOSITORY)
        database = {"RedshiftCluster": demo["RedshiftCluster"], "RedshiftSecret": demo["RedshiftSecret"]}
        outputs = aws.deploy(ROOT / "template.yaml", "l4m", database) | database
        made = Installed(aws, outputs, {"lambda": Functions(10)})
        give_role(made)
        yield made


def give_role(installed: Installed, change: str = "AddIamRoles") -> None:
    role = {change: [installed.outputs["LookoutForMetricsRoleArn"]]}
    installed.aws.client("redshift").modify_cluster_iam_roles(ClusterIdentifier=installed.outputs["RedshiftCluster"], **role)


@contextmanager
def ringing(installed: Installed) -> Iterator[None]:
    cloudwatch, name = installed.aws.client("cloudwatch"), installed.resources("AWS::CloudWatch::Alarm")[0]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    yield
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")


@contextmanager
def dead_letter(installed: Installed) -> Iterator[None]:
    sqs, url = installed.aws.client("sqs"), installed.resources("AWS::SQS::Queue")[0]
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    yield
    sqs.purge_queue(QueueUrl=url)


@contextmanager
def rule_off(installed: Installed) -> Iterator[None]:
    events, name = installed.aws.client("events"), installed.resources("AWS::Events::Rule")[0].rsplit("|", 1)[-1]
    events.disable_rule(Name=name)
    yield
    events.enable_rule(Name=name)


@contextmanager
def signed_by_nobody(installed: Installed) -> Iterator[None]:
    keys = {"aws_access_key_id": "AKIANOBODY", "aws_secret_access_key": "none"}
    real = installed.aws.client("lookoutmetrics")
    session = boto3.Session(region_name=real.meta.region_name)
    session._loader.search_paths.insert(0, str(ROOT / "ai_ops/lambdas/shared/python/l4m/api/models"))
    installed.replaced["lookoutmetrics"] = session.client("lookoutmetrics", endpoint_url=real.meta.endpoint_url, **keys)
    yield
    del installed.replaced["lookoutmetrics"]


@contextmanager
def few_functions(installed: Installed) -> Iterator[None]:
    installed.replaced["lambda"] = Functions(3)
    yield
    installed.replaced["lambda"] = Functions(10)


@contextmanager
def secret_without_database(installed: Installed) -> Iterator[None]:
    secrets, name = installed.aws.client("secretsmanager"), installed.outputs["RedshiftSecret"]
    before = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps({**json.loads(before), "db": ""}))
    yield
    secrets.put_secret_value(SecretId=name, SecretString=before)


@contextmanager
def role_not_given(installed: Installed) -> Iterator[None]:
    give_role(installed, "RemoveIamRoles")
    yield
    give_role(installed)


@contextmanager
def role_writes_nothing(installed: Installed) -> Iterator[None]:
    iam, name = installed.aws.client("iam"), installed.outputs["LookoutForMetricsRole"]
    before = iam.get_role_policy(RoleName=name, PolicyName="Data")["PolicyDocument"]
    kept = [statement for statement in before["Statement"] if statement["Action"] != "s3:PutObject"]
    iam.put_role_policy(RoleName=name, PolicyName="Data", PolicyDocument=json.dumps({**before, "Statement": kept}))
    yield
    iam.put_role_policy(RoleName=name, PolicyName="Data", PolicyDocument=json.dumps(before))


def test_a_healthy_installation_passes_and_keeps_nothing_of_it(installed: Installed) -> None:
    assert installed.missing() == {}
    bucket = installed.outputs["InputBucketName"]
    left = installed.aws.client("s3").list_object_versions(Bucket=bucket, Prefix="_verify/")
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


BROKEN: dict[str, tuple[Callable[[Installed], AbstractContextManager[None]], set[str], str]] = {
    "alarms": (ringing, {"alarms"}, "rings"),
    "queues": (dead_letter, {"queues"}, "holds 1"),
    "schedule": (rule_off, {"schedule"}, "is not enabled"),
    "executions": (few_functions, {"executions"}, "only 3 functions"),
    "api": (signed_by_nobody, {"api", "unload"}, "403"),
    "secret": (secret_without_database, {"secret", "unload"}, "has no db"),
    "role": (role_not_given, {"role", "unload"}, "has not got the role"),
    "unload": (role_writes_nothing, {"unload"}, "Redshift:"),
}


@pytest.mark.parametrize("check", BROKEN)
def test_what_is_broken_is_told_in_its_line(installed: Installed, check: str) -> None:
    broken, lines, told = BROKEN[check]
    with broken(installed):
        missing = installed.missing()
    assert missing.keys() == lines
    assert told in missing[check]


def test_a_stack_that_is_not_there_is_told(installed: Installed) -> None:
    assert installed.missing("nothing") == {"stacks": "there is no stack nothing in this account and region"}


def test_every_check_is_broken_once() -> None:
    assert {check.__name__ for check in CHECKS} == {*BROKEN, "stacks"}
