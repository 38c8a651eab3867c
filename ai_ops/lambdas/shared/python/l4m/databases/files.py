"""The files that exports leave in the bucket."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any


def first_file(prefix: str, csv_format: Mapping[str, Any]) -> str:
    """The name of the first file of an export, and of the only one when it writes one."""
    return f"{prefix}000.gz" if is_gzip(csv_format) else f"{prefix}000"


def header_file(columns: Sequence[str], csv_format: Mapping[str, Any]) -> bytes:
    """A well-formed file without rows: nothing happened, as opposed to nothing was crawled."""
    text = io.StringIO()
    csv.writer(text, delimiter=csv_format.get("Delimiter", ","), lineterminator="\n").writerow(columns)
    content = text.getvalue().encode()
    return gzip.compress(content, mtime=0) if is_gzip(csv_format) else content


def is_gzip(csv_format: Mapping[str, Any]) -> bool:
    """Whether files are compressed, which also ends their names in ``.gz``."""
    return bool(csv_format.get("FileCompression") == "GZIP")


def token(*parts: object) -> str:
    """A client token: the same parts give the same one, of the 64 characters that the Data API takes."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
