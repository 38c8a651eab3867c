"""UNLOAD and COPY: files between the warehouse and S3, under the role that the statement names."""

import gzip
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from botocore.exceptions import ClientError
from moto.redshift.models import redshift_backends

from localaws.warehouse.dialect import RedshiftError, to_duckdb
from localaws.warehouse.options import CopyOptions, UnloadOptions, parse_copy, parse_unload

if TYPE_CHECKING:
    from localaws.cloud import Cloud

NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the target files in S3,"
    " or using the ALLOWOVERWRITE option."
)
COLUMNS = """
    SELECT column_name, data_type, coalesce(column_default, '') LIKE '%_identity%'
    FROM duckdb_columns() WHERE lower(table_name) = lower(?) ORDER BY column_index
"""


class Transfer:
    """Moves rows for one cluster."""

    def __init__(self, cloud: "Cloud", cluster: str, is_serverless: bool) -> None:
        self._cloud = cloud
        self._cluster = cluster
        self._service = "redshift-serverless.amazonaws.com" if is_serverless else "redshift.amazonaws.com"
        place = cloud.place
        self._user = place.arn("redshift", f"dbuser:{f'serverless-{place.account}-' if is_serverless else ''}{cluster}/l4m")

    def unload(self, connection: duckdb.DuckDBPyConnection, sql: str) -> int:
        """Write a query's rows to S3 and return their number; no rows write no file."""
        options = parse_unload(sql)
        with self._s3(options.role) as s3:
            existing = self._keys(s3, options.bucket, options.prefix) if options.cleanpath or not options.allowoverwrite else []
            if existing and not options.cleanpath:
                raise RedshiftError(NOT_EMPTY)
            for key in existing:
                s3.delete_object(Bucket=options.bucket, Key=key)
            with self._scratch() as folder:
                rows = self._write(connection, options, folder / "data")
                if rows:
                    self._upload(s3, options, folder / "data")
                return rows

    def copy(self, connection: duckdb.DuckDBPyConnection, sql: str) -> int:
        """Load files from S3 into a table and return the number of rows."""
        options = parse_copy(sql)
        with self._s3(options.role) as s3, self._scratch() as folder:
            keys = self._keys(s3, options.bucket, options.prefix)
            if not keys:
                raise RedshiftError(f"The specified S3 prefix '{options.prefix}' does not exist")
            files = []
            for number, key in enumerate(keys):
                files.append(folder / f"{number}{'.gz' if options.gzip else ''}")
                with files[-1].open("wb") as target:
                    shutil.copyfileobj(s3.get_object(Bucket=options.bucket, Key=key)["Body"], target)
            return self._read(connection, options, files)

    def _write(self, connection: duckdb.DuckDBPyConnection, options: UnloadOptions, file: Path) -> int:
        [query] = to_duckdb(options.query, {})
        if options.format == "parquet":
            how = "FORMAT parquet"
        else:
            how = (
                f"FORMAT csv, HEADER {str(options.header).lower()}, DELIMITER {_quoted(options.delimiter)}, NULLSTR {_quoted(options.null)}"
            )
            query = _with_short_booleans(connection, query)
        counted = connection.execute(f"COPY ({query}) TO {_quoted(str(file))} ({how})").fetchone()
        return int(counted[0]) if counted else 0

    def _upload(self, s3: Any, options: UnloadOptions, file: Path) -> None:
        suffix = (
            ".parquet" if options.format == "parquet" else f".{options.extension}" if options.extension else ".gz" if options.gzip else ""
        )
        key = f"{options.prefix}{'0000_part_00' if options.parallel else '000'}{suffix}"
        body = file.read_bytes()
        s3.put_object(Bucket=options.bucket, Key=key, Body=gzip.compress(body, 1) if options.gzip else body)
        if options.manifest:
            entries = {"entries": [{"url": f"s3://{options.bucket}/{key}", "meta": {"content_length": len(body)}}]}
            s3.put_object(Bucket=options.bucket, Key=f"{options.prefix}manifest", Body=json.dumps(entries).encode())

    def _read(self, connection: duckdb.DuckDBPyConnection, options: CopyOptions, files: list[Path]) -> int:
        known = connection.execute(COLUMNS, [options.table]).fetchall()
        if not known:
            raise RedshiftError(f'relation "{options.table}" does not exist')
        types = {name.lower(): kind for name, kind, _ in known}
        names = options.columns or [name for name, _, is_identity in known if not is_identity or options.explicit_ids]
        if unknown := [name for name in names if name.lower() not in types]:
            raise RedshiftError(f'column "{unknown[0]}" of relation "{options.table}" does not exist')
        listed = ", ".join(f'"{name}"' for name in names)
        source = _source(options, files, {name: types[name.lower()] for name in names})
        try:
            done = connection.execute(f'INSERT INTO "{options.table}" ({listed}) SELECT * FROM {source}').fetchone()
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            hint = f"Check 'sys_load_error_detail' system table for details. ({str(error).splitlines()[0]})"
            raise RedshiftError(f"Load into table '{options.table}' failed. {hint}") from error
        return int(done[0]) if done else 0

    @contextmanager
    def _s3(self, role: str) -> Iterator[Any]:
        """Give an S3 client of the role; S3's refusals become errors of the statement."""
        self._require(role)
        try:
            yield self._cloud.client("s3", role)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise RedshiftError(f"S3ServiceException:{error.response['Error']['Message']},Status {status},Error {code}") from error

    def _require(self, role: str) -> None:
        """Raise unless Redshift may assume the role, and the cluster (if it was created) has it attached."""
        place = self._cloud.place
        cluster = redshift_backends[place.account][place.region].clusters.get(self._cluster)
        attached = set(getattr(cluster, "iam_roles_arn", None) or []) if cluster else {role}
        try:
            self._cloud.require_trust(role, self._service, self._user)  # what Redshift states when it takes a role on
        except Exception as error:
            raise RedshiftError(f"User {self._user} is not authorized to assume IAM Role {role}") from error
        if role not in attached:
            raise RedshiftError(f"The IAM role {role} is not associated to cluster {self._cluster}")

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._cloud.home / "tmp") as folder:
            yield Path(folder)

    def _keys(self, s3: Any, bucket: str, prefix: str) -> list[str]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


def _source(options: CopyOptions, files: list[Path], types: dict[str, str]) -> str:
    """Return DuckDB's table function that reads the files with the types of the target's columns."""
    paths = "[" + ", ".join(_quoted(str(file)) for file in files) + "]"
    if options.format == "parquet":
        return f"read_parquet({paths})"
    columns = "{" + ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in types.items()) + "}"
    settings = {
        "columns": columns,
        "auto_detect": "false",
        "header": "false",
        "skip": str(options.skip),
        "delim": _quoted(options.delimiter),
        "quote": _quoted('"'),
        "escape": _quoted('"'),
        "nullstr": _quoted(options.null),
        "compression": _quoted("gzip" if options.gzip else "none"),
    }
    return f"read_csv({paths}, {', '.join(f'{name} = {value}' for name, value in settings.items())})"


def _with_short_booleans(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Write booleans as Redshift does: t and f."""
    described = connection.execute(f"DESCRIBE {query}").fetchall()
    if not any(row[1] == "BOOLEAN" for row in described):
        return query
    names = [(re.sub('"', '""', row[0]), row[1]) for row in described]
    listed = ", ".join(
        f'CASE WHEN "{name}" THEN \'t\' WHEN NOT "{name}" THEN \'f\' END AS "{name}"' if kind == "BOOLEAN" else f'"{name}"'
        for name, kind in names
    )
    return f"SELECT {listed} FROM ({query})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
