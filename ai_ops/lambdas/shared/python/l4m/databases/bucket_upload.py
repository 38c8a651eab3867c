"""A file that appears in the bucket whole or not at all, written piece by piece in bounded memory."""

from __future__ import annotations

import zlib
from types import TracebackType
from typing import Any, Self

PART_BYTES = 8 << 20  # S3 takes parts from 5 MB on, and 10,000 of them: 80 GB a file
GZIP = 31  # zlib's name for gzip's format


class BucketUpload:
    """Takes bytes until ``finish``; left without it, nothing was written."""

    def __init__(self, s3: Any, bucket: str, key: str, *, is_gzip: bool = False) -> None:
        self.s3 = s3
        self.place = {"Bucket": bucket, "Key": key}
        self._packer = zlib.compressobj(wbits=GZIP) if is_gzip else None
        self._waiting = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._upload is not None:
            self.s3.abort_multipart_upload(UploadId=self._upload, **self.place)

    def write(self, data: bytes) -> None:
        """Take some bytes; a full part goes out."""
        self._waiting += self._packer.compress(data) if self._packer else data
        while len(self._waiting) >= PART_BYTES:
            self._send(PART_BYTES)

    def finish(self) -> None:
        """Let the file appear in place of what was there."""
        if self._packer:
            self._waiting += self._packer.flush()
        if self._upload is None:
            self.s3.put_object(Body=bytes(self._waiting), **self.place)
            return
        if self._waiting:
            self._send(len(self._waiting))
        self.s3.complete_multipart_upload(UploadId=self._upload, MultipartUpload={"Parts": self._parts}, **self.place)
        self._upload = None

    def _send(self, length: int) -> None:
        if self._upload is None:
            self._upload = str(self.s3.create_multipart_upload(**self.place)["UploadId"])
        number = len(self._parts) + 1
        answer = self.s3.upload_part(UploadId=self._upload, PartNumber=number, Body=bytes(self._waiting[:length]), **self.place)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        del self._waiting[:length]
