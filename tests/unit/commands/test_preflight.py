"""`l4m preflight` makes nothing and tells what an account lacks; moto stands for the account, fakes for what it does not have."""

import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws

from l4m.cli import main
from l4m.commands.preflight import CHECKS, Plan, preflight

REGION = "eu-west-1"


class Iam:
    """IAM of an account with room, whose caller may do everything but what a test takes away."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.summary = {"Roles": 10, "RolesQuota": 1000}

    def get_account_summary(self) -> dict[str, Any]:
        return {"SummaryMap": self.summary}

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/{RoleName}"}}

    def simulate_principal_policy(self, PolicySourceArn: str, ActionNames: list[str]) -> dict[str, Any]:
        decide = {True: "implicitDeny", False: "allowed"}
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": decide[name in self.refused]} for name in ActionNames]}


class Functions:
    """Lambda's quotas."""

    free = 10

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": self.free}}


@dataclass
class Account:
    """An account, as the plan's clients show it."""

    iam: Iam = field(default_factory=Iam)
    functions: Functions = field(default_factory=Functions)

    def client(self, service: str) -> Any:
        return {"iam": self.iam, "lambda": self.functions}.get(service) or boto3.client(service, region_name=REGION)

    def missing(self, memory: int = 3008) -> dict[str, str]:
        return {line.check: line.told for line in preflight(Plan(self, "l4m", "", memory)) if not line.passed}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Account()


def test_an_empty_account_takes_it(account):
    assert account.missing() == {}


def test_what_is_lacking_is_told(account):
    account.functions.free = 4
    account.iam.summary = {"Roles": 995, "RolesQuota": 1000}
    account.iam.refused = {"iam:CreateRole", "apigateway:TagResource"}
    missing = account.missing()
    assert missing.keys() == {"executions", "roles", "rights"}
    assert "only 4 functions" in missing["executions"]
    assert "room for 5 roles" in missing["roles"]
    assert missing["rights"].endswith("may not iam:CreateRole, apigateway:TagResource")


def test_what_a_deleted_installation_left_is_in_the_way(account):
    location = {"LocationConstraint": REGION}
    account.client("s3").create_bucket(Bucket=f"l4m-{REGION}-123456789012", CreateBucketConfiguration=location)
    account.client("logs").create_log_group(logGroupName="/aws/lambda/l4m-connector")
    assert account.missing()["names"].startswith(f"bucket l4m-{REGION}-123456789012, log group /aws/lambda/l4m-connector in the way")


def test_a_stack_that_is_there_has_its_names_and_roles_already(account):
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    account.client("cloudformation").create_stack(StackName="l4m", TemplateBody=json.dumps(template))
    account.client("logs").create_log_group(logGroupName="/aws/lambda/l4m-connector")
    account.iam.summary = {"Roles": 1000, "RolesQuota": 1000}
    assert account.missing() == {}


def test_memory_that_a_new_account_refuses_is_told_but_cannot_be_asked_for(account):
    (line,) = (line for line in preflight(Plan(account, "l4m", "", 4096)) if line.check == "memory")
    assert line.passed
    assert "which a new account refuses" in line.told
    assert len(CHECKS) == len(list(preflight(Plan(account, "l4m", "", 4096))))


@pytest.mark.parametrize(("given", "told"), [("NamePrefix", "not of the form"), ("RunMemory=much", "not a number")])
def test_parameters_that_cannot_be_read_are_refused(given, told):
    done = CliRunner().invoke(main, ["preflight", given])
    assert done.exit_code == 2
    assert told in done.output
