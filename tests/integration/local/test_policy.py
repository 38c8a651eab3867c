"""The evaluation of policy documents, statement by statement."""

import json

import pytest

from localaws.policy import Access, decide

ROLE = "arn:aws:sts::123456789012:assumed-role/reader/session"


def allows(statement, action="s3:GetObject", resource="arn:aws:s3:::bucket/a/b", principal=ROLE, **context):
    context = {key.replace("__", ":").replace("_", "-"): value for key, value in context.items()}
    return decide([json.dumps({"Statement": statement})], Access(action, resource, principal, context))


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "*", True),
        ("S3:getobject", "arn:aws:s3:::bucket/*", True),
        ("s3:Get*", "arn:aws:s3:::bucket/a/?", True),
        (["s3:PutObject", "s3:GetObject"], ["arn:aws:s3:::other/*", "arn:aws:s3:::bucket/a/b"], True),
        ("s3:GetObject", "arn:aws:s3:::bucket", None),
        ("s3:GetObjectVersion", "*", None),
        ("s3:PutObject", "*", None),
        ("s3:GetObject", "arn:aws:s3:::bucket/A/*", None),
        ("s3:GetObject", "arn:aws:s3:::bucket.a/*", None),
    ],
)
def test_action_and_resource_must_both_match(action, resource, expected):
    assert allows({"Effect": "Allow", "Action": action, "Resource": resource}) is expected


def test_a_deny_wins_over_every_allow():
    allow, deny = {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*/b"}
    assert allows([allow, deny]) is False
    assert allows([deny, allow]) is False


def test_a_condition_that_does_not_hold_neither_allows_nor_denies():
    condition = {"Bool": {"aws:SecureTransport": False}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}
    assert allows(deny, aws__securetransport="true") is None
    assert allows(deny, aws__securetransport="false") is False


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"s3:prefix": ["a", "b"]}}, {"s3:prefix": "b"}, True),
        ({"StringEquals": {"s3:prefix": "a"}}, {"s3:prefix": "b"}, None),
        ({"StringEquals": {"s3:prefix": "a"}}, {}, None),
        ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {}, True),
        ({"StringNotEquals": {"s3:prefix": "a"}}, {}, True),
        ({"StringLike": {"s3:prefix": "live/*"}}, {"s3:prefix": "live/2013"}, True),
        ({"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:*:rule/x-*"}}, {"aws:sourcearn": "arn:aws:events:us-east-1:1:rule/x-1"}, True),
        ({"Null": {"aws:sourcearn": "true"}}, {}, True),
        ({"StringEquals": {"a": "1"}, "StringLike": {"b": "x*"}}, {"a": "1", "b": "y"}, None),
        ({"StringEquals": {"owner": "${aws:userid}"}}, {"owner": "AROA:me", "aws:userid": "AROA:me"}, True),
        ({"StringEquals": {"owner": "${aws:userid}"}}, {"owner": "AROA:you", "aws:userid": "AROA:me"}, None),
    ],
)
def test_conditions(condition, context, expected):
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    assert decide([json.dumps({"Statement": [statement]})], Access("s3:GetObject", "arn:aws:s3:::b/k", ROLE, context)) is expected


def test_an_operator_that_is_not_known_is_not_passed_over():
    with pytest.raises(ValueError, match="DateLessThan"):
        allows({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:currenttime": "x"}}})


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": "123456789012"}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, True),
        ({"AWS": ["arn:aws:iam::123456789012:role/reader"]}, True),
        ({"AWS": "arn:aws:iam::123456789012:role/path/reader"}, True),
        ({"AWS": "arn:aws:iam::123456789012:role/writer"}, None),
        ({"AWS": "210987654321"}, None),
        ({"Service": "lambda.amazonaws.com"}, None),
    ],
)
def test_principals(principal, expected):
    assert allows({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}) is expected


def test_not_action_and_not_resource_turn_the_match_around():
    assert allows({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret/*"}) is True
    assert allows({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}) is None
    assert allows({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::bucket/*"}) is None
