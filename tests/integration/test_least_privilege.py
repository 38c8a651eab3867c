"""Each statement of each role is needed: without it the flow does not end as it should.

All of them take a while; L4M_EVERY_STATEMENT=1 tries them all, otherwise one of each kind of role is tried.
"""

import json
import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.demo.flow import DemoError

from .conftest import SHOP, Shop, numbers

ONE_OF_EACH = [
    ("TriggerRole", "states:StartExecution"),
    ("StatesExecutionRole", "lambda:InvokeFunction"),
    ("RedshiftHistoricalCrawlRole", "secretsmanager:GetSecretValue"),
    ("LookoutForMetricsRole", "s3:PutObject"),
    ("CreateAndActivateDetectorRole", "execute-api:Invoke"),
    ("RunDetectionRole", "dynamodb:PutItem"),
    ("ServiceApiRole", "lambda:InvokeFunction"),
    ("SchedulerRole", "lambda:InvokeFunction"),
    ("RedshiftContinuousCrawlRole", "redshift-data:BatchExecuteStatement"),
]


@pytest.mark.parametrize(("role", "action"), ONE_OF_EACH)
def test_flow_does_not_end_well_without(shop: Shop, undisturbed: dict[str, Any], role: str, action: str) -> None:
    take_away(shop, *next(found for found in statements(shop) if role in found[0] and action in found[3]))
    assert not ends_well(shop, undisturbed)


LETTERS = "nothing fails for good in this flow; tests/integration/local/test_events.py"
ABSENT = "AWS answers a key that is not there with a refusal unless the bucket may be listed; the local S3 does not"
LARGE = "this flow has few series; test_shards.py has more than one function learns"
MEANT = {  # what an undisturbed flow does without, by role and actions, and why it is there
    ("CreateAndActivateDetectorRole", "execute-api:Invoke"): "what changed: the uploads of test_flow.py that change something",
    (
        "LookoutForMetricsRole",
        "s3:DeleteObject",
    ): "CLEANPATH clears what an earlier try of UNLOAD left; tests/integration/local/test_redshift.py",
    ("RedshiftHistoricalCrawlRole", "s3:PutObject"): "the header of a history without rows; tests/unit/connector/test_history.py",
    ("RedshiftContinuousCrawlRole", "s3:PutObject"): "the header of a window without rows; tests/unit/connector/test_live.py",
    ("RedshiftContinuousCrawlRole", "s3:ListBucket"): ABSENT,
    ("TriggerRole", "s3:ListBucket"): ABSENT,
    ("TriggerRole", "sns:Publish"): "the faults of a refused upload; test_flow.py",
    (
        "RunDetectionRole",
        "events:PutEvents",
    ): "alerts end as they should without it; test_one_id_leads_from_the_upload in test_flow.py reads the events",
    (
        "RunDetectionRole",
        "lambda:InvokeFunction",
    ): "what died is told, and a long catch-up goes on; test_killed_tasks.py, runs/test_disturbances.py",
    ("RunDetectionRole", "kms:Decrypt, kms:GenerateDataKey"): "a detector with a key of its own; runs/test_key.py",
    **{("RunDetectionRole", action): LARGE for action in ("states:StartExecution", "states:StopExecution")},
    **{("LearnExecutionRole", action): LARGE for action in ("lambda:InvokeFunction", "states:StartExecution")},
    (
        "LearnExecutionRole",
        "states:DescribeExecution, states:StopExecution",
    ): "AWS ends a Distributed Map with it; the local one needs none",
    ("ServiceApiRole", "kms:Decrypt"): "a detector with a key of its own; runs/test_key.py",
    ("ServiceApiRole", "s3:GetObject"): "this flow lists groups; tests/conformance opens them",
    ("ServiceApiRole", "s3:ListBucket"): ABSENT,
    **{
        (role, "sts:AssumeRole"): "DataAccessRole trusts its two functions by name already"
        for role in ("RunDetectionRole", "ServiceApiRole")
    },
    ("RunDetectionRole", "cloudwatch:PutMetricData"): "figures are no part of the end state; tests/unit/alerts/test_metrics.py",
    ("DataAccessRole", "sts:AssumeRole"): "a role that trusts this one by name needs no more; one that trusts the account does",
    ("RunDetectionRole", "s3:ListBucket, s3:ListBucketVersions"): "what a deleted detector leaves is looked for; test_cleanup.py",
    **{
        (role, "sqs:SendMessage"): LETTERS
        for role in ("TriggerRole", "NotifyRole", "RedshiftContinuousCrawlRole", "RunDetectionRole", "SchedulerRole")
    },
}
LIVES_ON_FAILURE = {"RecordFailureRole"}  # its function is called after a death only; test_killed_tasks.py


@pytest.mark.skipif("L4M_EVERY_STATEMENT" not in os.environ, reason="takes half an hour; set L4M_EVERY_STATEMENT=1")
def test_every_statement_is_needed_or_has_its_reason(shop: Shop, undisturbed: dict[str, Any]) -> None:
    idle = []
    for role, policy, number, actions in statements(shop):
        told = (_kind(role), ", ".join(actions))
        if told[0] in LIVES_ON_FAILURE or "logs:PutLogEvents" in actions:
            continue  # what is logged is no part of the end state; local/test_functions.py finds no log without the right
        one = Shop(shop.aws, SHOP, f"shop{next(numbers)}", shop.around)
        one.inbox()
        one.deploy()
        take_away(one, *next(found for found in statements(one) if (_kind(found[0]), *found[1:]) == (_kind(role), policy, number, actions)))
        if ends_well(one, undisturbed):
            idle.append(told)
        one.aws.delete_stack(one.stack)
    assert [told for told in idle if told not in MEANT] == []


def test_reasons_are_given_for_statements_that_exist(shop: Shop) -> None:
    there = {(_kind(role), ", ".join(actions)) for role, _, _, actions in statements(shop)}
    assert MEANT.keys() <= there
    assert {role for role, _ in there} >= LIVES_ON_FAILURE


def statements(shop: Shop) -> list[tuple[str, str, int, tuple[str, ...]]]:
    """Every statement of the stack's roles: role, policy, number, actions."""
    iam, found = shop.aws.client("iam"), []
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    for role in sorted(name for name in roles if name.startswith(shop.stack)):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for number, statement in enumerate(document["Statement"]):
                actions = statement["Action"]
                found.append((role, policy, number, (actions,) if isinstance(actions, str) else tuple(actions)))
    return found


def take_away(shop: Shop, role: str, policy: str, number: int, actions: tuple[str, ...]) -> None:
    """Take one statement out of a role."""
    iam = shop.aws.client("iam")
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    del document["Statement"][number]
    if not document["Statement"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
        return
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


def ends_well(shop: Shop, undisturbed: dict[str, Any]) -> bool:
    """Whether the flow reaches the end state of the undisturbed one, alerts included."""
    try:
        shop.upload(shop.params())
        shop.replay_hours()
        return shop.end_state() == undisturbed
    except (DemoError, ClientError, ValueError, TimeoutError):
        return False


def _kind(role: str) -> str:
    return role.rsplit("-", 2)[-2]
