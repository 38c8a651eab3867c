"""SQL statements sent through the Redshift Data API and awaited, with the credentials of the demo's secret."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two looks at a running statement; the last one repeats."""


class StatementError(Exception):
    """A statement did not finish well; the message is Redshift's own."""


class Database:
    """One database behind a secret of the form username, password, dbClusterIdentifier or workgroupName, db."""

    def __init__(
        self,
        secret: str,
        secretsmanager: Any,
        redshift_data: Any,
        *,
        timeout_seconds: float = 900,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        answer = secretsmanager.get_secret_value(SecretId=secret)
        self._client = redshift_data
        self._target = {**target(json.loads(answer["SecretString"])), "SecretArn": answer["ARN"]}
        self._timeout_seconds, self._pause, self._clock = timeout_seconds, pause, clock

    def execute(self, statements: Sequence[str], name: str) -> None:
        """Run the statements in one transaction and return when it is committed."""
        answer = self._client.batch_execute_statement(Sqls=list(statements), StatementName=name, **self._target)
        self._finished(answer["Id"], name)

    def count(self, table: str) -> int:
        """Rows of a table."""
        answer = self._client.execute_statement(Sql=f'SELECT COUNT(*) FROM "{table}"', StatementName=f"count {table}", **self._target)
        self._finished(answer["Id"], f"count {table}")
        return int(self._client.get_statement_result(Id=answer["Id"])["Records"][0][0]["longValue"])

    def _finished(self, statement: str, name: str) -> None:
        deadline = self._clock() + self._timeout_seconds
        looks = 0
        while (answer := self._client.describe_statement(Id=statement))["Status"] != "FINISHED":
            if answer["Status"] in {"FAILED", "ABORTED"}:
                raise StatementError(f"{name}: {answer['Status'].lower()}: {reason(answer)}")
            if self._clock() > deadline:
                self._client.cancel_statement(Id=statement)
                raise StatementError(f"{name}: still {answer['Status'].lower()} after {self._timeout_seconds:.0f} s, cancelled")
            self._pause(PAUSES[min(looks, len(PAUSES) - 1)])
            looks += 1


def target(secret: dict[str, Any]) -> dict[str, str]:
    """Where the secret says the database is: a provisioned cluster or a serverless workgroup."""
    if not secret.get("db"):
        raise StatementError("the secret has no key 'db'")
    if secret.get("dbClusterIdentifier"):
        return {"ClusterIdentifier": secret["dbClusterIdentifier"], "Database": secret["db"]}
    if secret.get("workgroupName"):
        return {"WorkgroupName": secret["workgroupName"], "Database": secret["db"]}
    raise StatementError("the secret names neither 'dbClusterIdentifier' nor 'workgroupName'")


def reason(answer: dict[str, Any]) -> str:
    """Redshift's message, of the first statement of a batch that has one."""
    parts = [part.get("Error") for part in answer.get("SubStatements", [])]
    return next((message for message in [answer.get("Error"), *parts] if message), "no reason given")
