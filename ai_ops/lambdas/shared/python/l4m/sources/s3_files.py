"""Files of a metric set in S3: which there are for an interval, and how they come to this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from l4m.errors import AccessDenied, Fault, InvalidInput, SourceUnavailable
from l4m.sources.paths import render_path

PARALLEL_DOWNLOADS = 8
FOLDERS_LISTED_ONE_BY_ONE = 2
_DENIED = {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "AccessDeniedException"}
_ABSENT = {"NoSuchBucket", "NoSuchKey", "404"}


@dataclass(frozen=True)
class S3File:
    """An object with data in it."""

    bucket: str
    key: str
    etag: str
    size: int


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key prefix of an ``s3://`` path, without a slash at the end."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, prefix.strip("/")


def list_history(client: Any, path: str) -> tuple[S3File, ...]:
    """The files directly under the historical path, in the order of their names."""
    bucket, prefix = split_uri(path)
    folder = f"{prefix}/" if prefix else ""
    return tuple(_list(client, bucket, Prefix=folder, Delimiter="/"))


def list_intervals(client: Any, template: str, starts: Mapping[int, datetime]) -> dict[int, tuple[S3File, ...]]:
    """The files of each interval; ``starts`` gives the local time at which each begins.

    One sweep over the keys between the first and the last folder answers for all intervals, as long as the
    folders' names sort like their times.
    """
    bucket = split_uri(template)[0]
    folders = {start: split_uri(render_path(template, local))[1] + "/" for start, local in starts.items()}
    names = list(dict.fromkeys(folders.values()))
    if len(names) <= FOLDERS_LISTED_ONE_BY_ONE or names != sorted(names):
        found = {name: tuple(_list(client, bucket, Prefix=name)) for name in names}
    else:
        found = _sweep(client, bucket, names)
    return {start: found[name] for start, name in folders.items()}


def list_under(client: Any, path: str) -> Iterator[S3File]:
    """Every file whose key begins with a path."""
    bucket, prefix = path.removeprefix("s3://").split("/", 1)
    return _list(client, bucket, Prefix=prefix)


def fingerprint(files: Iterable[S3File]) -> str:
    """Changes when a file comes, goes or changes; empty when there are no files."""
    content = "\n".join(sorted(f"{file.key} {file.etag} {file.size}" for file in files))
    return sha256(content.encode()).hexdigest()[:16] if content else ""


def download(client: Any, files: Sequence[S3File], folder: Path) -> list[Path]:
    """Copy files into a folder; their order is kept."""
    targets = [folder / f"{number:06d}{_suffixes(file.key)}" for number, file in enumerate(files)]
    if len(files) == 1:
        _fetch(client, files[0], targets[0])
        return targets
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
        list(pool.map(lambda pair: _fetch(client, *pair), zip(files, targets, strict=True)))
    return targets


def read_head(client: Any, file: S3File, length: int) -> bytes:
    """The first bytes of a file."""
    try:
        body = client.get_object(Bucket=file.bucket, Key=file.key, Range=f"bytes=0-{length - 1}")["Body"]
    except client.exceptions.ClientError as error:
        raise translate(error, f"s3://{file.bucket}/{file.key}") from error
    with body:
        content: bytes = body.read()
    return content


def translate(error: Any, place: str) -> Exception:
    """Say an S3 error in our own words: what was not allowed, what is not there, what may work later."""
    code = error.response["Error"]["Code"]
    if code in _DENIED:
        return AccessDenied(f"{place}: the role may not read it ({error.response['Error'].get('Message', code)})")
    if code in _ABSENT:
        return InvalidInput(Fault("S3SourceConfig", f"{place} does not exist"))
    return SourceUnavailable(f"{place}: {code}")


def _fetch(client: Any, file: S3File, target: Path) -> None:
    place = f"s3://{file.bucket}/{file.key}"
    try:
        body = client.get_object(Bucket=file.bucket, Key=file.key, IfMatch=file.etag)["Body"]
        with body, target.open("wb") as out:
            for piece in body.iter_chunks(1 << 20):
                out.write(piece)
    except client.exceptions.ClientError as error:
        raise translate(error, place) from error
    except OSError as error:
        raise SourceUnavailable(f"{place}: {error}") from error


def _sweep(client: Any, bucket: str, names: Sequence[str]) -> dict[str, tuple[S3File, ...]]:
    found: dict[str, list[S3File]] = {name: [] for name in names}
    last = names[-1]
    for file in _list(client, bucket, Prefix=_shared_start(names), StartAfter=names[0]):
        if file.key > last and not file.key.startswith(last):
            break
        folder = next((name for name in _parents(file.key) if name in found), None)
        if folder is not None:
            found[folder].append(file)
    return {name: tuple(files) for name, files in found.items()}


def _shared_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    length = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:length]


def _parents(key: str) -> Iterator[str]:
    position = key.rfind("/")
    while position >= 0:
        yield key[: position + 1]
        position = key.rfind("/", 0, position)


def _list(client: Any, bucket: str, **selection: str) -> Iterator[S3File]:
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **selection):
            for entry in page.get("Contents", ()):
                if _has_data(entry["Key"]):
                    yield S3File(bucket, entry["Key"], entry["ETag"], entry["Size"])
    except client.exceptions.ClientError as error:
        raise translate(error, f"s3://{bucket}/{selection.get('Prefix', '')}") from error


def _has_data(key: str) -> bool:
    name = key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(("_", ".")) and not name.endswith("manifest")


def _suffixes(key: str) -> str:
    return "".join(Path(key.rsplit("/", 1)[-1]).suffixes[-2:])
