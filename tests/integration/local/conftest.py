"""One local cloud with a small application of every kind of resource, shared by all tests of this folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws import LocalAws

APP = Path(__file__).parent / "fixtures" / "app" / "template.yaml"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running cloud; IAM is enforced."""
    with LocalAws.start(tmp_path_factory.mktemp("cloud") / "home") as running:
        yield running


@pytest.fixture(scope="session")
def app(cloud: LocalAws) -> dict[str, str]:
    """Outputs of the deployed application."""
    return cloud.deploy(APP, "sample")


@pytest.fixture
def invoke(cloud: LocalAws, app: dict[str, str]) -> Callable[..., tuple[Any, str | None]]:
    """Call the echo function; return what it answered and the kind of error."""

    def call(**event: Any) -> tuple[Any, str | None]:
        answer = cloud.client("lambda").invoke(FunctionName=app["EchoArn"], Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return call


@pytest.fixture
def seen(cloud: LocalAws, app: dict[str, str]) -> Callable[..., list[dict[str, Any]]]:
    """Return the events that the trigger function received from a source since the test began."""
    s3, bucket = cloud.client("s3"), app["InputBucketName"]

    def keys(prefix: str) -> list[str]:
        return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    before = set(keys("seen/"))

    def events(source: str) -> list[dict[str, Any]]:
        cloud.wait_idle()
        new = [key for key in keys(f"seen/{source}/") if key not in before]
        found = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in new]
        return sorted(found, key=lambda event: str(event.get("time")))

    return events


@pytest.fixture
def messages(cloud: LocalAws) -> Callable[[str], list[dict[str, Any]]]:
    """Take all messages out of a queue."""
    sqs = cloud.client("sqs")

    def take(url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
            for message in batch:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(message)
        return found

    return take
