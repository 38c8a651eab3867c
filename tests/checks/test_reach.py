"""Nobody climbs: from every principal of the templates, walked over all that it may do, nothing is reached that is not ours."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from localaws.policy import Access, decide

ACCOUNT = "123456789012"
PLACE = f"eu-west-1:{ACCOUNT}"
SOLUTION = "ai_ops/l4m-redshift-solution.yaml"
APPS = ["ai_ops/template.yaml", "ai_ops/l4m-service.yaml", "ai_ops/l4m-redshift-continuous-crawl.yaml"]
SAMPLE = "sample_resources/redshift/l4m-redshift-sagemakernotebook.yaml"
ADMINISTRATOR = "administrator"
EVERYTHING = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
OWN_BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/l4m-createdrolesboundary"
OWN_STACK = f"arn:aws:cloudformation:{PLACE}:stack/custom-rs-connector/1"
MADE = "a role that CloudFormation makes"

FOREIGN = [  # what other teams of the account have: action, resource, and what a request would state besides
    ("s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {}),
    ("s3:ListBucket", "arn:aws:s3:::payroll", {}),
    ("s3:PutObject", "arn:aws:s3:::payroll/2026.csv", {}),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{PLACE}:function:payroll", {}),
    ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{PLACE}:function:payroll", {}),
    ("states:StartExecution", f"arn:aws:states:{PLACE}:stateMachine:payroll", {}),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:{PLACE}:table/payroll", {}),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:{PLACE}:table/payroll", {}),
    ("sqs:SendMessage", f"arn:aws:sqs:{PLACE}:payroll", {}),
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{PLACE}:payroll", {}),
    ("sns:Publish", f"arn:aws:sns:{PLACE}:payroll", {}),
    ("events:PutEvents", f"arn:aws:events:{PLACE}:event-bus/default", {"events:source": "payroll"}),
    ("scheduler:CreateSchedule", f"arn:aws:scheduler:{PLACE}:schedule/default/payroll", {}),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{PLACE}:secret:payroll-abcdef", {}),
    ("kms:Decrypt", f"arn:aws:kms:{PLACE}:key/01234567-89ab-cdef-0123-456789abcdef", {}),
    ("redshift-data:GetStatementResult", "*", {"redshift-data:statement-owner-iam-userid": "AROAOTHER:somebody"}),
    ("redshift:ModifyClusterIamRoles", f"arn:aws:redshift:{PLACE}:cluster:payroll", {}),
    ("redshift:GetClusterCredentials", f"arn:aws:redshift:{PLACE}:dbuser:shop/admin", {}),
    ("redshift-serverless:UpdateNamespace", f"arn:aws:redshift-serverless:{PLACE}:namespace/01234567-89ab-cdef-0123-456789abcdef", {}),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/payroll", {"iam:passedtoservice": "redshift.amazonaws.com"}),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/payroll", {"iam:passedtoservice": "lambda.amazonaws.com"}),
    ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/mallory", {}),
    ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/payroll", {}),
    ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
    ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{PLACE}:stack/payroll/1", {}),
    # a stack that an administrator made and that is called almost like ours works with the role that it was made with
    ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{PLACE}:stack/custom-rs-connector-solution/1", {}),
    ("cloudformation:CreateChangeSet", f"arn:aws:cloudformation:{PLACE}:stack/custom-rs-connector/1", {}),
    ("cloudformation:ExecuteChangeSet", f"arn:aws:cloudformation:{PLACE}:stack/custom-rs-connector-solution/1", {}),
]
REWRITES = ("iam:PutRolePolicy", "iam:AttachRolePolicy")  # a role whose rights can be rewritten can do all that its boundary leaves
LIFTS = ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary")
REWRITES_POLICY = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")


@dataclass
class Principal:
    """Somebody with policies, under a boundary or none."""

    arn: str
    policies: list[str]
    boundary: str | None = None
    boundary_arn: str | None = None

    def may(self, action: str, resource: str, **context: str) -> bool:
        """Whether policies and boundary both allow it."""
        stated = {"aws:userid": "AROAUS:us", **{key.replace("__", ":").lower(): value for key, value in context.items()}}
        access = Access(action, resource, self.arn, stated)
        return decide(self.policies, access) is True and (self.boundary is None or decide([self.boundary], access) is True)

    def can(self, action: str, resource: str, context: dict[str, str]) -> bool:
        return self.may(action, resource, **context)


def principals(made: Any) -> dict[str, Principal]:
    """Every role of a template, by logical id."""
    documents = {arn("policy", name): json.dumps(item["PolicyDocument"]) for name, item in made.of_type("AWS::IAM::ManagedPolicy").items()}
    found = {}
    for name, role in made.of_type("AWS::IAM::Role").items():
        own = [json.dumps(policy["PolicyDocument"]) for policy in role.get("Policies", [])]
        attached = [documents[given.lower()] for given in role.get("ManagedPolicyArns", [])]
        boundary = role.get("PermissionsBoundary")
        limits = documents.get(str(boundary).lower())
        found[name] = Principal(arn("role", name), own + attached, limits, boundary)
    for policy in made.of_type("AWS::IAM::Policy").values():
        for name, principal in found.items():
            if any(f"l4m-{name}" == role for role in policy["Roles"]):
                principal.policies.append(json.dumps(policy["PolicyDocument"]))
    return found


def steps(who: Principal, known: dict[str, Principal]) -> Iterator[str]:
    """Whom somebody can become next: names of principals, or the administrator."""
    boundaries = {other.boundary_arn for other in known.values() if other.boundary_arn}
    for name, other in known.items():
        if who.may("cloudformation:CreateChangeSet", OWN_STACK, cloudformation__RoleArn=other.arn) and who.may(
            "iam:PassRole", other.arn, iam__PassedToService="cloudformation.amazonaws.com"
        ):
            yield name
        if who.may("sts:AssumeRole", other.arn):
            yield name
        limited = {"iam__PermissionsBoundary": other.boundary_arn} if other.boundary_arn else {}
        if any(
            who.may(action, other.arn, **limited, iam__PolicyARN=f"arn:aws:iam::{ACCOUNT}:policy/custom-rs-connector-x")
            for action in REWRITES
        ):
            yield name if other.boundary else ADMINISTRATOR
            if other.boundary:
                yield MADE
        if any(who.may(action, other.arn, iam__PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/other") for action in LIFTS):
            yield ADMINISTRATOR
    if any(who.may(action, policy) for action in REWRITES_POLICY for policy in boundaries):
        yield ADMINISTRATOR
    new = f"arn:aws:iam::{ACCOUNT}:role/custom-rs-connector-x"
    if who.may("iam:CreateRole", new) or who.may("iam:CreateRole", new, iam__PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/other"):
        yield ADMINISTRATOR
    if MADE in known and who.may("iam:CreateRole", new, iam__PermissionsBoundary=known[MADE].boundary_arn):
        yield MADE


def reachable(start: str, known: dict[str, Principal]) -> set[str]:
    """Everybody whom a principal can become, itself among them."""
    seen, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        for found in steps(known[name], known):
            if found == ADMINISTRATOR:
                return {*seen, ADMINISTRATOR}
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return seen


@pytest.fixture(scope="module", params=["as proposed", "called like its connector", "with a workgroup"])
def solution(request, deployed):
    """The Launch Stack, and everybody in it: the notebook, CloudFormation's role, and whatever role that makes."""
    options = {"RedshiftCluster": "", "RedshiftWorkgroup": "shop"} if request.param == "with a workgroup" else {}
    made = deployed(SOLUTION, **options)
    known = principals(made)
    ceiling = json.dumps(made.of_type("AWS::IAM::ManagedPolicy")["CreatedRolesBoundary"]["PolicyDocument"])
    known[MADE] = Principal(f"arn:aws:iam::{ACCOUNT}:role/custom-rs-connector-x", [EVERYTHING], ceiling, OWN_BOUNDARY)
    return made, alike(known, made) if request.param == "called like its connector" else known


def alike(known: dict[str, Principal], made: Any) -> dict[str, Principal]:
    """The same principals in a stack whose name begins like the connector's: the pattern of the connector's names then matches them."""
    names = {arn(kind, name): f"arn:aws:iam::{ACCOUNT}:{kind}/custom-rs-connector-{name}-1ABCDEFGHIJKL" for kind, name in in_iam(made)}

    def renamed(text: str | None) -> str | None:
        for old, new in names.items():
            text = text.replace(old, new) if text else text
        return text

    for who in known.values():
        who.arn, who.boundary, who.boundary_arn = renamed(who.arn), renamed(who.boundary), renamed(who.boundary_arn)
        who.policies = [renamed(policy) for policy in who.policies]
    return known


def in_iam(made: Any) -> list[tuple[str, str]]:
    kinds = {"role": "AWS::IAM::Role", "policy": "AWS::IAM::ManagedPolicy"}
    return [(kind, name) for kind, of in kinds.items() for name in made.of_type(of)]


def arn(kind: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:{kind}/l4m-{name}".lower()


def test_the_notebook_becomes_no_more_than_its_connector(solution):
    _, known = solution
    assert reachable("RedshiftL4MSagemakerRole", known) == {"RedshiftL4MSagemakerRole", "DeployRole", MADE}


def test_nobody_in_the_launch_stack_reaches_what_other_teams_have(solution):
    _, known = solution
    for start in known:
        for name in reachable(start, known):
            reached = [(action, resource) for action, resource, context in FOREIGN if known[name].can(action, resource, context)]
            assert reached == [], f"{start} as {name}"


def test_the_walk_sees_the_way_up_that_there_was(solution):
    _, known = solution
    role = known["RedshiftL4MSagemakerRole"]
    attach = {
        "Effect": "Allow",
        "Action": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
        "Resource": role.arn,
        "Condition": {"ArnLike": {"iam:PolicyARN": f"arn:aws:iam::{ACCOUNT}:policy/custom-rs-connector*"}},
    }
    before = Principal(role.arn, role.policies)  # without a boundary
    kept = [policy for policy in known["DeployRole"].policies if "NeverTheseThemselves" not in policy]
    giver = Principal(known["DeployRole"].arn, [*kept, json.dumps({"Statement": [attach]})])
    assert ADMINISTRATOR in reachable("RedshiftL4MSagemakerRole", {**known, "RedshiftL4MSagemakerRole": before, "DeployRole": giver})


@pytest.mark.parametrize("app", [*APPS, SAMPLE])
def test_no_role_of_an_app_reaches_what_other_teams_have(deployed, app):
    made = deployed(app)
    for name, principal in principals(made).items():
        reached = [(action, resource) for action, resource, context in FOREIGN if principal.can(action, resource, context)]
        assert reached == [], name


@pytest.mark.parametrize("app", [*APPS, SAMPLE])
def test_no_role_of_an_app_touches_iam(deployed, app):
    made = deployed(app)
    known = principals(made)
    assert known
    for name, principal in known.items():
        assert ADMINISTRATOR not in reachable(name, known), name
        assert MADE not in list(steps(principal, known)), name
