"""A bucket, a secret and a database for the connector's tests: moto's, or in memory where that is enough."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.unit.connector.fakes import Clients, FakeRedshift
from tests.unit.memory_bucket import MemoryBucket, MemorySecrets

from l4m.connector.crawl import Crawl
from l4m.databases.database import Target

BUCKET = "shop-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
SECRET = {"username": "l4m", "password": "p", "dbClusterIdentifier": "shop", "db": "l4mdemo", "host": "h", "port": 8192}


@cache
def client(service: str) -> Any:
    """A client that is made once for all tests; what it talks to is moto's as long as ``aws`` is in use."""
    return _session().client(service)


@cache
def _session() -> boto3.Session:
    return boto3.Session("testing", "testing", region_name="us-east-1")


@pytest.fixture
def aws() -> Iterator[Callable[[str], Any]]:
    """An empty account of moto's; gives clients by name."""
    with mock_aws():
        yield client


def with_bucket(s3: Any) -> Any:
    """The client of S3, after it has made the input bucket."""
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return s3


def with_secret(secretsmanager: Any) -> Any:
    """The client of Secrets Manager, after it has stored the database's secret."""
    secretsmanager.create_secret(Name="redshift-l4mintegration", SecretString=json.dumps(SECRET))
    return secretsmanager


@pytest.fixture
def s3() -> Any:
    """The input bucket of crawls, which call it hundreds of times."""
    return MemoryBucket()


@pytest.fixture
def secretsmanager() -> Any:
    """The database's secret."""
    return with_secret(MemorySecrets())


@pytest.fixture
def redshift(s3: Any) -> FakeRedshift:
    """A database whose statements end when the test says so."""
    return FakeRedshift(s3)


@pytest.fixture
def crawl(s3: Any, redshift: FakeRedshift, secretsmanager: Any) -> Crawl:
    """The clients of a run."""
    return Crawl(Clients({"s3": s3, "redshift-data": redshift, "secretsmanager": secretsmanager}), BUCKET, Target(cluster="shop"), "crawl")


@pytest.fixture
def given(root: Path) -> dict[str, Any]:
    """The shipped params.json as params_builder.py fills it in."""
    params: dict[str, Any] = json.loads((root / "ai_ops" / "params.json").read_text(encoding="utf-8"))
    params["s3_bucket"] = BUCKET
    params["metric_source"]["S3SourceConfig"] |= {
        "RoleArn": ROLE,
        "HistoricalDataPathList": [f"s3://{BUCKET}/ecommerce/backtest/"],
        "TemplatedPathList": [f"s3://{BUCKET}/ecommerce/live/{{{{yyyyMMdd}}}}/{{{{HHmm}}}}"],
    }
    return params
