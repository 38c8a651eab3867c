"""Keys that users name for their detectors: of use for objects of the state bucket, through S3, and for nothing else."""

import json

import pytest

from localaws.policy import Access, decide

KEY = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
STATED = {"kms:viaservice": "s3.eu-west-1.amazonaws.com", "kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::l4m-statebucket"}


@pytest.fixture(scope="module")
def made(deployed):
    """The service without options."""
    return deployed("ai_ops/l4m-service.yaml")


def may(made, role, action, key=KEY, **stated):
    """Whether a role's policies let it use a key; ``stated`` replaces what S3 says about the object."""
    policies = [json.dumps(policy["PolicyDocument"]) for policy in made.of_type("AWS::IAM::Role")[role]["Policies"]]
    context = STATED | {name.replace("__", ":"): value for name, value in stated.items()}
    return decide(policies, Access(action, key, "", context)) is True


def test_runs_read_and_write_under_a_detectors_key_and_calls_read(made):
    assert may(made, "RunDetectionRole", "kms:GenerateDataKey")
    assert may(made, "RunDetectionRole", "kms:Decrypt")
    assert may(made, "ServiceApiRole", "kms:Decrypt")
    assert not may(made, "ServiceApiRole", "kms:GenerateDataKey")
    assert not may(made, "RecordFailureRole", "kms:Decrypt")


@pytest.mark.parametrize(
    "stated",
    [
        {"kms__viaservice": "dynamodb.eu-west-1.amazonaws.com"},
        {"kms__viaservice": ""},
        {"kms__encryptioncontext__aws__s3__arn": "arn:aws:s3:::somebody-else"},
        {"kms__encryptioncontext__aws__s3__arn": "arn:aws:s3:::l4m-statebucket-2"},
        {"key": "arn:aws:kms:eu-west-1:999999999999:key/01234567-89ab-cdef-0123-456789abcdef"},
        {"key": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"},
    ],
)
def test_nothing_else_can_be_done_with_a_users_key(made, stated):
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert not may(made, "RunDetectionRole", action, **stated)


@pytest.mark.parametrize("action", ["kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Encrypt"])
def test_keys_themselves_are_left_alone(made, action):
    assert not may(made, "RunDetectionRole", action)
