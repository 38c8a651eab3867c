"""The UNLOAD statements that bring a query's rows into the bucket."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

COUNT = "SELECT pg_last_unload_count()"


def unload(select: str, destination: str, role_arn: str, csv_format: Mapping[str, Any], options: str) -> str:
    """Wrap a SELECT; quotes inside are doubled, and so is the backslash, which an UNLOAD string would swallow."""
    delimiter = csv_format.get("Delimiter", ",")
    parts = [f"UNLOAD ({_quoted(select)})", f"TO {_quoted(destination)}", f"IAM_ROLE {_quoted(role_arn)}", "HEADER CSV"]
    if delimiter != ",":
        parts.append(f"DELIMITER {_quoted(delimiter)}")
    if is_gzip(csv_format):
        parts.append("GZIP")
    return "\n".join([*parts, options])


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


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
