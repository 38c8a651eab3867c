"""Each statement of each role is needed: without it the flow does not end as it should.

All of them take a while; L4M_EVERY_STATEMENT=1 tries them all, otherwise one of each kind of role is tried.
"""

import json
import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.demo.flow import DemoError

from .conftest import Shop

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


@pytest.mark.skipif("L4M_EVERY_STATEMENT" not in os.environ, reason="takes half an hour; set L4M_EVERY_STATEMENT=1")
def test_every_statement_is_needed(shop: Shop, undisturbed: dict[str, Any], deploy: Any) -> None:
    idle = []
    for role, policy, number, actions in statements(shop):
        one = deploy()
        found = next(s for s in statements(one) if s[1:] == (policy, number, actions) and _kind(s[0], one) == _kind(role, shop))
        take_away(one, *found)
        if ends_well(one, undisturbed):
            idle.append((_kind(role, shop), actions))
        one.aws.delete_stack(one.stack)
    assert idle == []


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


def _kind(role: str, shop: Shop) -> str:
    return role.removeprefix(shop.stack).rsplit("-", 1)[0]
