#!/usr/bin/env python3
"""Create the demo's tables in Redshift, those that are not there yet."""

import argparse
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError
from database import Database, StatementError

SAMPLES = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secret", default="redshift-l4mintegration", help="name or ARN of the secret (default: %(default)s)")
    parser.add_argument("--data", choices=("ecommerce", "flights"), default="ecommerce", help="sample data (default: %(default)s)")
    arguments = parser.parse_args()

    schema = SAMPLES / arguments.data / "schema.sql"
    try:
        database = Database(arguments.secret, boto3.client("secretsmanager"), boto3.client("redshift-data"))
        database.execute(statements(schema.read_text(encoding="utf-8")), f"tables of {arguments.data}")
    except (StatementError, ClientError) as error:
        print(f"initial_setup: {error}", file=sys.stderr)
        return 1
    print(f"tables of {schema} are there")
    return 0


def statements(script: str) -> list[str]:
    """The statements of an SQL script whose comments stand on lines of their own."""
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in code.split(";") if statement.strip()]


if __name__ == "__main__":
    sys.exit(main())
