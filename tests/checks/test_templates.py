"""Every template keeps the house's rules on permissions, buckets, logs and parameters."""

import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from localaws.stacks.translation import read_yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted([ROOT / "template.yaml", *(ROOT / "ai_ops").glob("*.yaml"), *(ROOT / "sample_resources/redshift").glob("*.yaml")])
WILDCARD = re.compile(r"""Resource: ?(\[ ?)?["']?\*["']?(?P<rest>.*)$""")
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
CONSTRAINTS = {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue"}

each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def load(path: Path) -> dict[str, Any]:
    template: dict[str, Any] = read_yaml(path)
    return template


def resources(path: Path, *types: str) -> dict[str, dict[str, Any]]:
    return {name: resource for name, resource in load(path)["Resources"].items() if resource["Type"] in types}


def statements(node: Any) -> Iterator[dict[str, Any]]:
    """Every policy statement anywhere below a node."""
    if isinstance(node, dict):
        if "Effect" in node and ("Action" in node or "NotAction" in node):
            yield node
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_all_templates_of_the_design_are_there():
    names = {str(path.relative_to(ROOT)) for path in TEMPLATES}
    assert names >= {
        "template.yaml",
        "ai_ops/template.yaml",
        "ai_ops/l4m-service.yaml",
        "ai_ops/l4m-redshift-continuous-crawl.yaml",
        "ai_ops/l4m-postgresql-continuous-crawl.yaml",
        "ai_ops/l4m-redshift-solution.yaml",
        "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml",
    }


@each_template
def test_every_wildcard_resource_gives_its_reason_on_the_line(path):
    lines = [found for line in path.read_text().splitlines() if (found := WILDCARD.search(line))]
    without = [found.string.strip() for found in lines if not re.search(r"# \S.{9,}", found["rest"])]
    assert without == []
    wild = [
        statement
        for statement in statements(load(path)["Resources"])
        if "*" in listed(statement.get("Resource", [])) and statement["Effect"] == "Allow"
    ]
    assert len(wild) == len(lines), "a wildcard is written in a way that this check does not see"


@each_template
def test_no_statement_allows_a_whole_service_or_names_no_resource(path):
    for statement in statements(load(path)["Resources"]):
        if statement["Effect"] == "Deny":
            continue
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        whole = [action for action in listed(statement["Action"]) if action == "*" or action.endswith(":*")]
        assert whole in ([], ["redshift-data:*"]) or "Principal" in statement, whole  # the boundary's ceiling


@each_template
def test_nothing_but_a_denial_is_said_to_everybody(path):
    for statement in statements(load(path)["Resources"]):
        if statement["Effect"] == "Allow":
            principals = listed(statement.get("Principal", []))
            assert "*" not in principals
            assert not any(isinstance(principal, dict) and "*" in listed(principal.get("AWS", [])) for principal in principals)


@each_template
def test_buckets_are_private_encrypted_and_speak_tls_only(path):
    buckets, policies = resources(path, "AWS::S3::Bucket"), resources(path, "AWS::S3::BucketPolicy")
    guarded = {
        policy["Properties"]["Bucket"]["Ref"]
        for policy in policies.values()
        for statement in statements(policy)
        if statement["Effect"] == "Deny" and "aws:SecureTransport" in str(statement.get("Condition"))
    }
    for name, bucket in buckets.items():
        block = bucket["Properties"]["PublicAccessBlockConfiguration"]
        assert all(block[key] is True for key in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")), (
            name
        )
        assert "BucketEncryption" in bucket["Properties"], name
        assert name in guarded, f"{name} has no policy that denies plain HTTP"


@each_template
def test_every_log_group_forgets(path):
    for name, group in resources(path, "AWS::Logs::LogGroup").items():
        assert "RetentionInDays" in group["Properties"], name


@each_template
def test_every_function_has_a_log_group_of_its_own(path):
    template = load(path)
    common = template.get("Globals", {}).get("Function", {})
    for name, function in resources(path, "AWS::Serverless::Function").items():
        group = {**common, **function["Properties"]}.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
        assert group in template["Resources"], f"{name} logs into a group that nobody deletes"


@each_template
def test_every_role_takes_the_permissions_boundary(path):
    template = load(path)
    common = template.get("Globals", {}).get("Function", {})
    for name, role in resources(path, "AWS::IAM::Role").items():
        makes_roles = "cloudformation.amazonaws.com" in str(role["Properties"]["AssumeRolePolicyDocument"])  # and only bounded ones
        assert makes_roles or "PermissionsBoundary" in role["Properties"], name
    for name, function in resources(path, "AWS::Serverless::Function").items():
        assert {"Role", "PermissionsBoundary"} & {**common, **function["Properties"]}.keys(), name


@each_template
def test_every_parameter_is_described_and_constrained(path):
    for name, parameter in load(path).get("Parameters", {}).items():
        assert len(parameter.get("Description", "")) > 10, name
        assert CONSTRAINTS & parameter.keys() or parameter["Type"].startswith("AWS::"), f"{name} takes anything"
        assert "AllowedPattern" not in parameter or "ConstraintDescription" in parameter, f"{name} is refused without a word"


@each_template
def test_every_parameter_has_its_place_in_the_console(path):
    template = load(path)
    interface = template["Metadata"]["AWS::CloudFormation::Interface"]
    assert sorted(name for group in interface["ParameterGroups"] for name in group["Parameters"]) == sorted(template["Parameters"])
    assert sorted(interface["ParameterLabels"]) == sorted(template["Parameters"])


@each_template
def test_every_output_says_what_it_is_for(path):
    for name, output in load(path).get("Outputs", {}).items():
        assert len(output.get("Description", "")) > 5, name


@each_template
def test_dashboards_are_json(path):
    for name, dashboard in resources(path, "AWS::CloudWatch::Dashboard").items():
        body = re.sub(r"\$\{[^}]+\}", "x", dashboard["Properties"]["DashboardBody"]["Fn::Sub"])
        assert json.loads(body)["widgets"], name


@pytest.mark.parametrize(
    "name", ["l4m-service.yaml", "template.yaml", "l4m-redshift-continuous-crawl.yaml", "l4m-postgresql-continuous-crawl.yaml"]
)
def test_the_apps_can_be_published_to_the_application_repository(name):
    told = load(ROOT / "ai_ops" / name)["Metadata"]["AWS::ServerlessRepo::Application"]
    package = tomllib.loads((ROOT / "ai_ops/lambdas/shared/pyproject.toml").read_text())["project"]
    assert told["SemanticVersion"] == package["version"]
    assert told["SpdxLicenseId"] == package["license"]
    assert all((ROOT / "ai_ops" / told[key]).resolve().is_file() for key in ("LicenseUrl", "ReadmeUrl"))


def test_the_check_sees_a_wildcard_without_a_reason():
    for line in ('Resource: "*"', "Resource: '*'", "Resource: *", 'Resource: ["*"]'):
        found = WILDCARD.search(f"      {line}")
        assert found
        assert not re.search(r"# \S.{9,}", found["rest"])
    assert re.search(r"# \S.{9,}", WILDCARD.search('Resource: "*" # statements have no ARN')["rest"])
