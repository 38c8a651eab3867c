"""Handlers loaded as AWS loads them, in an environment like the template's, over moto."""

from types import ModuleType
from typing import Any

import pytest
from tests.conftest import load
from tests.unit.connector.conftest import aws, client, crawl, given, redshift, with_bucket, with_secret  # noqa: F401 - fixtures

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:shop-deploy"


class Clients:
    """Stands where the loader is: moto's clients, and fakes under their own name."""

    def __init__(self, **fakes: Any) -> None:
        self.fakes = fakes

    def client(self, service: str) -> Any:
        return self.fakes.get(service.replace("-", "_")) or client(service)

    def __getattr__(self, name: str) -> Any:
        return self.client(name.replace("_", "-"))


@pytest.fixture
def s3(aws: Any) -> Any:  # noqa: F811
    """The input bucket, versioned."""
    return with_bucket(aws("s3"))


@pytest.fixture
def secretsmanager(aws: Any) -> Any:  # noqa: F811
    """The database's secret."""
    return with_secret(aws("secretsmanager"))


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch, s3: Any, secretsmanager: Any, redshift: Any) -> Any:  # noqa: F811
    """Load a handler by its folder and file; its clients are moto's and the fake database."""
    topic = client("sns").create_topic(Name="outcomes")["TopicArn"]
    machine = client("stepfunctions").create_state_machine(name="shop-deploy", definition="{}", roleArn="arn:aws:iam::123456789012:role/s")
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "TOPIC_ARN": topic,
        "STEP_FUNCTIONS_ARN": machine["stateMachineArn"],
        "PARAMS_FILE": "params.json",
        "DATABASE_TYPE": "redshift",
        "REDSHIFT_CLUSTER": "shop",
        "REDSHIFT_WORKGROUP": "",
        "STATEMENT_NAME": "shop",
        "BUCKET": "shop-us-east-1-123456789012",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def make(folder: str, file: str | None = None, **fakes: Any) -> ModuleType:
        module = load(folder, file)
        module.loader = Clients(redshift_data=redshift, **fakes)  # type: ignore[attr-defined]
        return module

    return make
