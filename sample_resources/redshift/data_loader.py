#!/usr/bin/env python3
"""Load the files of one sample data set into Redshift with COPY; every table is replaced, so that a second run changes nothing."""

import argparse
import csv
import gzip
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from database import Database, StatementError

SAMPLES = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bucket", required=True, help="content bucket that Redshift may read")
    parser.add_argument("--role", required=True, help="ARN of the role that Redshift assumes for COPY")
    parser.add_argument("--secret", default="redshift-l4mintegration", help="name or ARN of the secret (default: %(default)s)")
    parser.add_argument("--data", choices=("ecommerce", "flights"), default="ecommerce", help="sample data (default: %(default)s)")
    parser.add_argument("--files", type=Path, help="folder of <table>.csv[.gz] files (default: those shipped with the sample)")
    arguments = parser.parse_args()

    files = table_files(arguments.files or SAMPLES / arguments.data / "data")
    if not files:
        parser.error("--files: the folder holds no .csv or .csv.gz file")
    try:
        database = Database(arguments.secret, boto3.client("secretsmanager"), boto3.client("redshift-data"))
        load(files, database, boto3.client("s3"), bucket=arguments.bucket, prefix=arguments.data, role=arguments.role)
    except (StatementError, ClientError) as error:
        print(f"data_loader: {error}", file=sys.stderr)
        return 1
    return 0


def table_files(folder: Path) -> dict[str, Path]:
    """Files of a folder by the table they fill, which is their name up to the first dot."""
    return {path.name.split(".")[0]: path for path in sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")])}


def load(files: dict[str, Path], database: Database, s3: Any, *, bucket: str, prefix: str, role: str) -> None:
    """Upload the files and replace all tables in one transaction: readers see the old rows or the new ones."""
    script: list[str] = []
    for table, path in files.items():
        print(f"uploading {path.name}")
        s3.upload_file(str(path), bucket, f"{prefix}/{path.name}")
        script += [f'DELETE FROM "{table}"', copy_statement(table, path, f"s3://{bucket}/{prefix}/{path.name}", role)]
    database.execute(script, f"load {prefix}")
    for table in files:
        print(f"{table}: {database.count(table)} rows")


def copy_statement(table: str, path: Path, url: str, role: str) -> str:
    """COPY of one CSV file whose header names the columns it fills."""
    columns = ", ".join(f'"{column}"' for column in header(path))
    compression = " GZIP" if path.suffix == ".gz" else ""
    return f"COPY \"{table}\" ({columns}) FROM '{url}' IAM_ROLE '{role}' CSV IGNOREHEADER 1{compression}"


def header(path: Path) -> list[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


if __name__ == "__main__":
    sys.exit(main())
