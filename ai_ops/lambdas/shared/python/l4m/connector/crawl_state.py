"""Where the crawls stand: one object in the bucket, changed only by whoever saw its latest content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from l4m.errors import L4mError

KEY = "crawl.state.json"
LOST_RACE = {"PreconditionFailed", "ConditionalRequestConflict"}


class StateChanged(L4mError):
    """Somebody else changed the state first; do the whole step again."""


class Superseded(L4mError):
    """A newer params.json was accepted; this execution has nothing more to say."""


@dataclass(frozen=True)
class History:
    """The crawl of everything before ``end``; it is done when ``rows`` is known."""

    fingerprint: str
    version: str
    end: int
    sqls: tuple[str, ...]
    token: str
    started: int
    statement: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Flight:
    """The crawl of the window that begins at ``start``; it is committed when ``rows`` is known."""

    start: int
    fingerprint: str
    attempt: int = 0
    statement: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class CrawlState:
    """All of it; ``watermark`` is the begin of the first window that is not committed, ``horizon`` the latest tick."""

    owner: str = ""
    history: History | None = None
    params: Mapping[str, Any] | None = None
    watermark: int | None = None
    horizon: int | None = None
    flights: tuple[Flight, ...] = ()
    etag: str | None = field(default=None, compare=False)

    @classmethod
    def from_json(cls, text: bytes, etag: str) -> CrawlState:
        """Read what ``to_json`` wrote."""
        given = json.loads(text)
        history = given["history"]
        return cls(
            owner=given["owner"],
            history=History(**{**history, "sqls": tuple(history["sqls"])}) if history else None,
            params=given["params"],
            watermark=given["watermark"],
            horizon=given["horizon"],
            flights=tuple(Flight(**flight) for flight in given["flights"]),
            etag=etag,
        )

    def to_json(self) -> bytes:
        """The state as a person may read it."""
        given = asdict(self)
        del given["etag"]
        return json.dumps(given, indent=1).encode()


@dataclass(frozen=True)
class StateStore:
    """The state's object; ``client`` is an S3 client."""

    client: Any
    bucket: str

    def load(self) -> CrawlState:
        """The state as it is now; an empty one before the first upload."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=KEY)
        except self.client.exceptions.NoSuchKey:
            return CrawlState()
        return CrawlState.from_json(answer["Body"].read(), answer["ETag"])

    def save(self, state: CrawlState) -> CrawlState:
        """Write the state if nobody else has since it was loaded; StateChanged otherwise."""
        condition = {"IfMatch": state.etag} if state.etag else {"IfNoneMatch": "*"}
        try:
            answer = self.client.put_object(Bucket=self.bucket, Key=KEY, Body=state.to_json(), ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in LOST_RACE:
                raise StateChanged(f"{KEY} was changed by another run") from error
            raise
        return replace(state, etag=answer["ETag"])
