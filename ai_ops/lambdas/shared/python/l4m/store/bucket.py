"""The state bucket: whole objects by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Bucket:
    """Objects under one bucket; ``client`` is an S3 client."""

    client: Any
    name: str

    def get(self, key: str) -> bytes | None:
        """An object's content, None when there is no such object."""
        try:
            body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
        except self.client.exceptions.NoSuchKey:
            return None
        with body:
            content: bytes = body.read()
        return content

    def get_range(self, key: str, first: int, length: int) -> bytes:
        """Part of an object that is known to exist."""
        body = self.client.get_object(Bucket=self.name, Key=key, Range=f"bytes={first}-{first + length - 1}")["Body"]
        with body:
            content: bytes = body.read()
        return content

    def put(self, key: str, content: bytes) -> None:
        """Write an object whole."""
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; ones that are gone already do not matter."""
        for first in range(0, len(keys), 1000):
            objects = [{"Key": key} for key in keys[first : first + 1000]]
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    def purge(self, prefix: str) -> None:
        """Delete everything under a prefix, older versions too."""
        for objects in self._versions(prefix):
            self.client.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    def _versions(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix)
        for page in pages:
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if found:
                yield [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
