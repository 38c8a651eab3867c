"""params.status.json: how the latest upload of params.json fared, beside it in the bucket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from l4m.connector.crawl_state import LOST_RACE, StateChanged

KEY = "params.status.json"


class Outcome(StrEnum):
    """How far an upload got."""

    REJECTED = "REJECTED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


@dataclass(frozen=True)
class StatusFile:
    """The status object; ``client`` is an S3 client."""

    client: Any
    bucket: str

    def read(self) -> tuple[dict[str, Any], str | None]:
        """The status and its ETag; an empty one before the first upload."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=KEY)
        except self.client.exceptions.NoSuchKey:
            return {}, None
        status: dict[str, Any] = json.loads(answer["Body"].read())
        return status, answer["ETag"]

    def begin(self, version: str, outcome: Outcome, fields: Mapping[str, Any]) -> bool:
        """Write the first status of an upload; False when it has one already."""
        status, etag = self.read()
        if status.get("version") == version:
            return False
        self._write({"state": outcome, "version": version, **fields}, etag)
        return True

    def finish(self, version: str, outcome: Outcome, fields: Mapping[str, Any]) -> bool:
        """Write how an upload ended; False when the status belongs to a newer upload by now."""
        status, etag = self.read()
        if status.get("version") != version:
            return False
        kept: dict[str, Any] = {key: status[key] for key in ("execution", "uploaded") if key in status}
        self._write({"state": outcome, "version": version, **kept, **fields}, etag)
        return True

    def _write(self, status: Mapping[str, Any], etag: str | None) -> None:
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = json.dumps(status, indent=2).encode()
        try:
            self.client.put_object(Bucket=self.bucket, Key=KEY, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in LOST_RACE:
                raise StateChanged(f"{KEY} was changed by another run") from error
            raise
