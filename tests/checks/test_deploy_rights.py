"""CloudFormation's role may do what the schemas of the resources that it makes ask for, feature by feature that the templates use."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
APPS = ["ai_ops/template.yaml", "ai_ops/l4m-service.yaml", "ai_ops/l4m-redshift-continuous-crawl.yaml"]
SOLUTION = "ai_ops/l4m-redshift-solution.yaml"
OPTIONS = {
    "NotificationEmail": "a@example.com",
    "SageMakerNotebookRole": "somebody",
    "XRayTracing": "true",
}  # what a Launch Stack can hand on
LARGEST_ROLE = 10_240  # characters of a role's own policies, as IAM counts them
LARGEST_POLICY = 6_144

UNUSED = {  # what the schemas name for features that no template here has, by pattern
    "replicas, imports, streams and resource policies of tables": r"AWS::DynamoDB::Table "
    r"(dynamodb:(Associate|Create|BatchWrite|DeleteItem|DeleteResource|DescribeImport|Disable|Enable|GetItem|Import|Put|Query|Scan|UpdateItem"
    r"|UpdateKinesis|UpdateContributor)\w*|iam:\w+|kinesis:\w+|logs:\w+|s3:\w+)",
    "keys: the Launch Stack hands none to the apps": r"AWS::\S+ kms:\w+",
    "users and groups": r"AWS::IAM::\w+ iam:\w+(User|Group)Policy",
    "a role without a boundary": r"AWS::IAM::Role iam:DeleteRolePermissionsBoundary",
    "subnets, file systems, scaling: the Launch Stack hands none to the apps": r"AWS::Lambda::Function "
    r"(ec2|elasticfilesystem|s3files):\w+|AWS::Lambda::Function lambda:(PassCapacityProvider|PutFunctionScalingConfig)",
    "code signing, versions and pinned runtimes": r"AWS::Lambda::Function "
    r"lambda:(\w*CodeSigningConfig|PublishVersion|PutRuntimeManagementConfig|AssociateRuntimeAlias)",
    "keys, indexes, policies and other targets of log groups": r"AWS::Logs::LogGroup "
    r"(firehose|s3):\S+|AWS::Logs::LogGroup logs:(Put|Delete)(IndexPolicy|BearerTokenAuthentication|ResourcePolicy)"
    r"|AWS::Logs::LogGroup logs:PutLogGroupDeletionProtection"
    r"|AWS::Logs::LogGroup logs:(Associate|Disassociate)KmsKey|AWS::Logs::LogGroup logs:PutDataProtectionPolicy",
    "tables of metadata, replicas, websites, analytics and the like of buckets": r"AWS::S3::Bucket (s3tables:\w+|iam:PassRole"
    r"|s3:(Create|Delete|Get|Put|Update)Bucket(Metadata\w+|Abac|Acl|CORS|Cors|Logging|ObjectLock\w+|Replication|Website|Encryption|Lifecycle"
    r"|AnalyticsConfiguration|MetricsConfiguration)"
    r"|s3:(Get|Put)(Accelerate|Analytics|Inventory|IntelligentTiering|Metrics|ObjectLock|Replication)Configuration|s3:PutObjectAcl|s3:DeleteObject)",
    "the protection of a topic's data": r"AWS::SNS::Topic sns:PutDataProtectionPolicy",
    "subscriptions that pass a role or have attributes": r"AWS::SNS::Subscription (iam:\w+|sns:SetSubscriptionAttributes)",
    "definitions of a machine in S3": r"AWS::StepFunctions::StateMachine s3:\w+",
}


def handlers() -> dict[str, set[str]]:
    """What the schema of each type says that making, reading, changing and deleting one takes."""
    found: dict[str, set[str]] = {}
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        for name, handler in schema.get("handlers", {}).items():
            if name != "list":
                found.setdefault(schema["typeName"], set()).update(handler.get("permissions", []))
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


@pytest.fixture(scope="module")
def asked(deployed) -> set[str]:
    """``type action`` for every type in the apps."""
    declared = handlers()
    types = {resource["Type"] for app in APPS for resource in deployed(app, **OPTIONS).resources.values()}
    assert types <= declared.keys(), "a type without a schema is looked at by nobody"
    return {f"{kind} {action}" for kind in types for action in declared[kind]}


def test_the_deploying_role_may_do_all_that_the_schemas_ask_for(deployed, asked):
    role = deployed(SOLUTION).of_type("AWS::IAM::Role")["DeployRole"]
    given = {action.lower() for statement in statements(role) if statement["Effect"] == "Allow" for action in listed(statement["Action"])}
    needed = {item for item in asked if not any(re.fullmatch(pattern, item) for pattern in UNUSED.values())}
    assert sorted(item for item in needed if item.split()[1].lower() not in given) == []


def test_what_is_said_to_be_unused_is_declared(asked):
    assert [reason for reason, pattern in UNUSED.items() if not any(re.fullmatch(pattern, item) for item in asked)] == []


@pytest.mark.parametrize("app", [*APPS, SOLUTION])
def test_policies_are_short_enough_for_iam(deployed, app):
    made = deployed(app, **OPTIONS)

    def size(document: dict[str, Any]) -> int:
        return len(json.dumps(document, separators=(",", ":")))

    for name, role in made.of_type("AWS::IAM::Role").items():
        assert sum(size(policy["PolicyDocument"]) for policy in role.get("Policies", [])) < LARGEST_ROLE, name
    for name, policy in made.of_type("AWS::IAM::ManagedPolicy").items():
        assert size(policy["PolicyDocument"]) < LARGEST_POLICY, name
