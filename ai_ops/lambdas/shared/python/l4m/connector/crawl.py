"""What both crawls share: the database, the bucket, and the fingerprints that tell whether anything changed."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from l4m.connector.crawl_state import StateStore
from l4m.connector.params import Params
from l4m.databases.database import Clients, Database, Target
from l4m.databases.files import first_file, header_file
from l4m.databases.registry import DATABASES
from l4m.databases.secrets import Secret, read_secret
from l4m.service.runs.timeline import Timeline

SECRET_SECONDS = 300  # after which a secret is read again


@dataclass(frozen=True)
class Crawl:
    """The clients of one run; ``name`` begins the name of every statement."""

    clients: Clients
    bucket: str
    target: Target
    name: str

    @property
    def s3(self) -> Any:
        """The client of S3."""
        return self.clients.client("s3")

    @property
    def store(self) -> StateStore:
        """Where the state lies."""
        return StateStore(self.s3, self.bucket)

    def kind(self, params: Params) -> type[Database]:
        """What kind of database is crawled."""
        return DATABASES[params.database_type]

    def database(self, params: Params) -> Database:
        """The database, reached with the secret that params.json names."""
        kind = self.kind(params)
        period = int(time.monotonic() // SECRET_SECONDS)
        secret = _secret(self.clients.client("secretsmanager"), params.secret_name, kind.secret_keys, period)
        return kind.open(self.clients, secret, self.target)

    def write_header(self, prefix: str, columns: tuple[str, ...], params: Params) -> None:
        """Write the file that an export of no rows may leave out, under the name that it would have had."""
        key = first_file(prefix, params.csv).removeprefix(f"s3://{self.bucket}/")
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=header_file(columns, params.csv))


@lru_cache(maxsize=16)
def _secret(client: Any, name: str, keys: tuple[str, ...], period: int) -> Secret:
    """A secret as it was read in this period of the process's life."""
    return read_secret(client, name, keys)


def timeline(params: Params) -> Timeline:
    """The windows of the crawl: the detector's intervals, due as soon as they end."""
    return Timeline(params.frequency, params.timezone)


def history_fingerprint(params: Params, query: str, target: Target) -> str:
    """What history depends on; the same fingerprint is never crawled twice."""
    end = params.historical_end.isoformat() if params.historical_end else None
    return _digest(query, end, params.historical_path, params.secret_name, target.cluster, target.workgroup, dict(params.csv))


def live_fingerprint(params: Params) -> str:
    """What the layout of the windows depends on; a new one brings every window since history's end again."""
    return _digest(params.frequency, params.timezone, params.templated_path, dict(params.csv))


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
