"""parliament, AWS's actions and resources at hand, finds nothing in any policy of any template."""

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.checks.test_templates import ROOT, TEMPLATES

with warnings.catch_warnings():  # it imports pkg_resources
    warnings.simplefilter("ignore")
    from parliament import analyze_policy_string

PATHS = [str(path.relative_to(ROOT)) for path in TEMPLATES]
OPTIONS = {
    "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "XRayTracing": "true",
    "AlertLambdaArn": "arn:aws:lambda:eu-west-1:123456789012:function:alert",
    "AlertSnsTopicArn": "arn:aws:sns:eu-west-1:123456789012:alerts",
}
MEANT = {  # what parliament says of policies that are as they should be, by resource and finding
    ("CreatedRolesBoundary", "RESOURCE_STAR"): "a boundary is a ceiling and grants nothing",
    (
        "CreatedRolesBoundary",
        "RESOURCE_MISMATCH",
    ): "states:*Execution on machines and on executions; parliament knows DescribeExecution of express ones",
    ("DeployRole", "UNKNOWN_ACTION"): "tags of API Gateway and scaling of functions have actions that are younger than parliament's list",
    ("DeployRole", "INVALID_ARN"): "the SAM transform belongs to an account that is called aws",
    ("NotebookPolicy", "INVALID_ARN"): "the same",
    (
        "LearnExecutionRole",
        "RESOURCE_MISMATCH",
    ): "a Distributed Map asks for its executions; parliament knows DescribeExecution of express ones",
    ("NetworkAccess", "RESOURCE_STAR"): "Lambda makes the network interfaces; nobody knows their ids before",
}


def policies(node: Any) -> Iterator[dict[str, Any]]:
    """Every policy document of a resource that says what its holder may do."""
    if isinstance(node, dict):
        if "Statement" in node and not any("Principal" in statement for statement in node["Statement"]):
            yield node
        for value in node.values():
            yield from policies(value)
    elif isinstance(node, list):
        for value in node:
            yield from policies(value)


def findings(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(found.issue, str(found.detail)) for found in analyze_policy_string(json.dumps(document)).findings}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["plain", "every option"])
def test_parliament_finds_nothing(deployed, path, options):
    resources = deployed(path, **options).resources
    found = [
        (name, *finding)
        for name, resource in resources.items()
        for document in policies(resource)
        for finding in findings(document)
        if (name, finding[0]) not in MEANT
    ]
    assert found == []


def test_what_is_meant_is_still_found(deployed):
    made = [deployed(path, **OPTIONS).resources for path in PATHS]
    kinds = {(name, kind) for found in made for name in found for document in policies(found[name]) for kind, _ in findings(document)}
    assert kinds == set(MEANT)


@pytest.mark.parametrize(
    ("action", "resource", "issue"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket", "RESOURCE_MISMATCH"),
        ("s3:GetObjekt", "arn:aws:s3:::bucket/*", "UNKNOWN_ACTION"),
        ("sqs:SendMessage", "queue", "INVALID_ARN"),
    ],
)
def test_parliament_would_find_a_mistake(action, resource, issue):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    assert issue in {kind for kind, _ in findings({"Version": "2012-10-17", "Statement": [statement]})}
