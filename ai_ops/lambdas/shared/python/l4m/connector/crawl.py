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
from l4m.connector.unload import header_file, is_gzip
from l4m.service.runs.timeline import Timeline
from l4m.sources.redshift import Redshift, Secret, read_secret

SECRET_SECONDS = 300  # after which a secret is read again


@dataclass(frozen=True)
class Target:
    """The database that the stack was deployed for, by name."""

    cluster: str | None = None
    workgroup: str | None = None


@dataclass(frozen=True)
class Crawl:
    """The clients of one run; ``name`` begins the name of every statement."""

    s3: Any
    redshift_data: Any
    secretsmanager: Any
    bucket: str
    target: Target
    name: str

    @property
    def store(self) -> StateStore:
        """Where the state lies."""
        return StateStore(self.s3, self.bucket)

    def database(self, params: Params) -> Redshift:
        """The database, reached with the secret that params.json names."""
        secret = _secret(self.secretsmanager, params.secret_name, int(time.monotonic() // SECRET_SECONDS))
        return Redshift(self.redshift_data, secret, self.target.cluster, self.target.workgroup)

    def write_header(self, prefix: str, columns: tuple[str, ...], params: Params) -> None:
        """Write the file that an UNLOAD of no rows leaves out, under the name that it would have had."""
        key = prefix.removeprefix(f"s3://{self.bucket}/") + ("000.gz" if is_gzip(params.csv) else "000")
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=header_file(columns, params.csv))


@lru_cache(maxsize=16)
def _secret(client: Any, name: str, period: int) -> Secret:
    """A secret as it was read in this period of the process's life."""
    return read_secret(client, name)


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
