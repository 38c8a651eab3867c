"""The state bucket: whole objects by name, encrypted under a detector's own KMS key if it has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from l4m.errors import AccessDenied

_OTHERS_WERE_FASTER = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")


class Found(NamedTuple):
    """An object as it was read."""

    content: bytes
    etag: str


@dataclass(frozen=True)
class Bucket:
    """Objects under one bucket; ``client`` is an S3 client.

    Reading and writing raise AccessDenied when the KMS key cannot be used; without a key, the bucket's own counts.
    """

    client: Any
    name: str
    kms_key_arn: str | None = None

    def get(self, key: str) -> bytes | None:
        """An object's content, None when there is no such object."""
        found = self.find(key)
        return found.content if found else None

    def find(self, key: str) -> Found | None:
        """An object's content and what tells it from others, None when there is no such object."""
        try:
            with self._using_key():
                answer = self.client.get_object(Bucket=self.name, Key=key)
        except self.client.exceptions.NoSuchKey:
            return None
        with answer["Body"] as body:
            return Found(body.read(), answer["ETag"])

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Part of an object that is known to exist."""
        with self._using_key():
            body = self.client.get_object(Bucket=self.name, Key=key, Range=f"bytes={first}-{first + length - 1}")["Body"]
        with body:
            content: bytes = body.read()
        return content

    def put(self, key: str, content: bytes, **condition: str) -> None:
        """Write an object whole."""
        own = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_arn, "BucketKeyEnabled": True}
        with self._using_key():
            self.client.put_object(Bucket=self.name, Key=key, Body=content, **condition, **(own if self.kms_key_arn else {}))

    def swap(self, key: str, content: bytes, seen: Found | None) -> bool:
        """Write an object in the place of the one that was seen, or of none; False when something else is there by now."""
        try:
            self.put(key, content, **({"IfMatch": seen.etag} if seen else {"IfNoneMatch": "*"}))
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in _OTHERS_WERE_FASTER:
                return False
            raise
        return True

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; ones that are gone already do not matter."""
        for first in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[first : first + 1000]]
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    def purge(self, prefix: str) -> None:
        """Delete everything under a prefix, older versions too."""
        for objects in self._versions(prefix):
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    @contextmanager
    def _using_key(self) -> Iterator[None]:
        try:
            yield
        except self.client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            message = error.response["Error"].get("Message", "")
            if self.kms_key_arn and (code == "AccessDenied" or "KMS" in code):
                raise AccessDenied(f"KmsKeyArn {self.kms_key_arn} cannot be used: {message or code}") from error
            raise

    def _versions(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if found:
                yield [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
