"""Calls of S3 and Secrets Manager, as crawls and findings make them, over dicts; the same tests as on moto say that they mean the same."""

import hashlib
import io
from typing import Any

from botocore.exceptions import ClientError


class NoSuchKey(ClientError):
    """There is no object of this name."""


class Exceptions:
    """The errors as a client of boto3 has them."""

    NoSuchKey = NoSuchKey
    ClientError = ClientError


class MemoryBucket:
    """Stands where a client of S3 is; whatever the bucket's name, there is one."""

    exceptions = Exceptions()

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._parts: dict[str, list[bytes]] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes, IfMatch: str | None = None, IfNoneMatch: str | None = None, **_: Any) -> Any:
        if IfMatch and Key not in self._objects:
            raise NoSuchKey({"Error": {"Code": "NoSuchKey", "Message": "no"}}, "PutObject")
        if (IfNoneMatch and Key in self._objects) or (IfMatch and _etag(self._objects[Key]) != IfMatch):
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": "no"}}, "PutObject")
        self._objects[Key] = Body
        return {"ETag": _etag(Body)}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self._objects:
            raise NoSuchKey({"Error": {"Code": "NoSuchKey", "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(self._objects[Key]), "ETag": _etag(self._objects[Key])}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> dict[str, Any]:
        found = sorted(key for key in self._objects if key.startswith(Prefix))
        return {"Contents": [{"Key": key} for key in found]} if found else {}

    def get_paginator(self, operation: str) -> Any:
        return _OnePage(getattr(self, operation))

    def create_multipart_upload(self, Bucket: str, Key: str) -> dict[str, str]:
        self._parts[Key] = []
        return {"UploadId": Key}

    def upload_part(self, UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> dict[str, str]:
        self._parts[UploadId].append(Body)
        assert len(self._parts[UploadId]) == PartNumber
        return {"ETag": _etag(Body)}

    def complete_multipart_upload(self, UploadId: str, **_: Any) -> None:
        self._objects[UploadId] = b"".join(self._parts.pop(UploadId))

    def abort_multipart_upload(self, UploadId: str, **_: Any) -> None:
        del self._parts[UploadId]

    def delete_object(self, Bucket: str, Key: str) -> None:
        self._objects.pop(Key, None)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> None:
        for one in Delete["Objects"]:
            self._objects.pop(one["Key"], None)


class _OnePage:
    """A paginator whose answer is whole."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def paginate(self, **arguments: Any) -> Any:
        yield self.call(**arguments)


class MemorySecrets:
    """Stands where a client of Secrets Manager is."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def create_secret(self, Name: str, SecretString: str) -> None:
        self._secrets[Name] = SecretString

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        SecretId = SecretId.rpartition(":")[2].removesuffix("-AbCdEf")  # by ARN or by name
        if SecretId not in self._secrets:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "GetSecretValue")
        arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{SecretId}-AbCdEf"
        return {"ARN": arn, "SecretString": self._secrets[SecretId]}


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
