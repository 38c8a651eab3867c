"""A detector with a KMS key of its own: all that is kept of it in the bucket is under that key, or it is not kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from l4m.errors import AccessDenied
from l4m.model import DetectorStatus, FailureType
from l4m.service.queries import anomalies, executions

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def encrypted(world: Any) -> Any:
    """The world, whose detector has a key."""
    world.context.resources.change(world.detector, lambda one: replace(one, kms_key_arn=KEY))
    return world


def forbid(world: Any, *calls: str) -> None:
    """From now on the key's policy keeps the service out."""

    def refuse(params: dict[str, Any], **_: Any) -> Any:
        if "//state." not in params["url"] and "/state/" not in params["url"]:
            return None
        error = {"Code": "AccessDenied", "Message": "not authorized to perform: kms:GenerateDataKey"}
        return AWSResponse("", 403, {}, None), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}

    for call in calls:
        world.context.clients.client("s3").meta.events.register(f"before-call.s3.{call}", refuse)


def test_everything_kept_in_the_bucket_is_under_the_key(encrypted: Any) -> None:
    encrypted.learn()
    encrypted.put_live(0, factor=0.05)
    encrypted.run(0)
    s3 = encrypted.context.clients.client("s3")
    kept = {entry["Key"] for entry in s3.list_objects_v2(Bucket="state")["Contents"]}
    assert {part for key in kept for part in ("state", "history", "group", "incident") if f"/{part}/" in key} >= {
        "state",
        "group",
        "incident",
    }
    for key in kept:
        head = s3.head_object(Bucket="state", Key=key)
        assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == ("aws:kms", KEY), key


def test_without_a_key_the_buckets_own_encryption_counts(world: Any) -> None:
    world.learn()
    s3 = world.context.clients.client("s3")
    for entry in s3.list_objects_v2(Bucket="state")["Contents"]:
        assert "SSEKMSKeyId" not in s3.head_object(Bucket="state", Key=entry["Key"])


def test_a_key_that_cannot_be_used_fails_the_activation_with_its_reason(encrypted: Any) -> None:
    forbid(encrypted, "PutObject")
    encrypted.learn()
    assert (encrypted.detector.status, encrypted.detector.failure_type) == (DetectorStatus.FAILED, FailureType.ACTIVATION_FAILURE)
    assert encrypted.detector.failure_reason == f"KmsKeyArn {KEY} cannot be used: not authorized to perform: kms:GenerateDataKey"


def test_a_key_that_is_taken_away_is_reported_with_the_interval_and_to_the_caller(encrypted: Any) -> None:
    encrypted.learn()
    encrypted.put_live(0, factor=0.05)
    encrypted.run(0)
    group = anomalies.survey_groups(encrypted.context, encrypted.arn, 0, 1, None)[0].items[0]
    encrypted.put_live(1)
    forbid(encrypted, "GetObject", "PutObject")
    encrypted.run(1)
    newest = executions.list_executions(encrypted.context, encrypted.arn, None, 1, None).items[0]
    assert (newest.timestamp, newest.status) == (encrypted.live(1), "FAILED")
    assert KEY in newest.reason
    with pytest.raises(AccessDenied, match="cannot be used"):
        anomalies.get_group(encrypted.context, encrypted.arn, group.id)
