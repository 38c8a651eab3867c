"""Redshift through its Data API: statements are submitted, looked at, cancelled; nothing waits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from l4m.errors import AccessDenied, Fault, InvalidInput, L4mError, SourceUnavailable

SECRET_KEYS = ("username", "password", "db")
TEMPORARY = {
    "ThrottlingException",
    "InternalServerException",
    "ActiveStatementsExceededException",
    "ActiveSessionsExceededException",
    "DatabaseConnectionException",
    "QueryTimeoutException",
}
TIMEOUT_WORDS = ("timeout", "timed out", "query_execution_time")


class StatementFailed(L4mError):
    """The database refused or broke off a statement."""


class StatementAborted(L4mError):
    """Somebody cancelled a statement, or the database restarted under it."""


class StatementTimedOut(L4mError):
    """A statement ran longer than it may."""


class Phase(StrEnum):
    """Where a statement stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"
    UNKNOWN = "UNKNOWN"  # the Data API has forgotten it: results are kept for a day


ERRORS: Mapping[Phase, type[L4mError]] = {
    Phase.FAILED: StatementFailed,
    Phase.ABORTED: StatementAborted,
    Phase.TIMED_OUT: StatementTimedOut,
    Phase.UNKNOWN: StatementAborted,
}


@dataclass(frozen=True)
class Statement:
    """What the Data API says of a statement."""

    id: str
    phase: Phase
    error: str = ""

    def failure(self) -> L4mError:
        """The error that stands for a phase that is neither running nor finished."""
        return ERRORS[self.phase](f"statement {self.id}: {self.error or self.phase}")


@dataclass(frozen=True)
class Secret:
    """What is public in a secret of the database: where it is and what it is called, never the password."""

    arn: str
    database: str
    cluster: str | None


@dataclass(frozen=True)
class Redshift:
    """One database on a provisioned cluster or a serverless workgroup; ``client`` is a Data API client."""

    client: Any
    secret: Secret
    cluster: str | None = None
    workgroup: str | None = None

    def submit(self, statements: Sequence[str], name: str, token: str, with_event: bool = False) -> str:
        """Start statements in one session and transaction; the same token never starts them twice."""
        target = {"WorkgroupName": self.workgroup} if self.workgroup else {"ClusterIdentifier": self.cluster or self.secret.cluster}
        answer = self._call(
            "batch_execute_statement",
            Sqls=list(statements),
            StatementName=name[:500],
            ClientToken=token,
            WithEvent=with_event,
            Database=self.secret.database,
            SecretArn=self.secret.arn,
            **target,
        )
        return str(answer["Id"])

    def describe(self, statement_id: str) -> Statement:
        """Look at a statement once."""
        try:
            answer = self._call("describe_statement", Id=statement_id)
        except StatementFailed as error:
            return Statement(statement_id, Phase.UNKNOWN, str(error))
        return Statement(statement_id, _phase(answer["Status"], answer.get("Error", "")), answer.get("Error", ""))

    def first_number(self, statement_id: str, place: int) -> int:
        """The one number that the statement at ``place`` (from 1) of a finished batch returned."""
        answer = self._call("get_statement_result", Id=f"{statement_id}:{place}")
        return int(answer["Records"][0][0]["longValue"])

    def cancel(self, statement_id: str) -> None:
        """Ask for a statement to be cancelled; one that has ended stays as it is."""
        try:
            self._call("cancel_statement", Id=statement_id)
        except StatementFailed:
            return

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except ClientError as error:
            raise _translated(error) from error


def read_secret(client: Any, name: str) -> Secret:
    """Read where a secret's database is; everything wrong with the secret is reported at once."""
    try:
        answer = client.get_secret_value(SecretId=name)
    except ClientError as error:
        raise InvalidInput(Fault("secret_name", _secret_fault(name, error))) from error
    try:
        content = json.loads(answer["SecretString"])
    except (KeyError, ValueError) as error:
        raise InvalidInput(Fault("secret_name", f"the secret {name!r} holds no JSON object")) from error
    if not isinstance(content, dict):
        raise InvalidInput(Fault("secret_name", f"the secret {name!r} holds no JSON object"))
    missing = [Fault("secret_name", f"the secret {name!r} has no {key!r}") for key in SECRET_KEYS if not content.get(key)]
    if missing:
        raise InvalidInput(*missing)
    return Secret(answer["ARN"], str(content["db"]), content.get("dbClusterIdentifier") or None)


def _secret_fault(name: str, error: ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code == "ResourceNotFoundException":
        return f"the secret {name!r} does not exist"
    if code.startswith("AccessDenied"):
        return f"the secret {name!r} may not be read by this stack; it was deployed for another one"
    return f"the secret {name!r} cannot be read: {code}"


def _phase(status: str, error: str) -> Phase:
    if status == "FINISHED":
        return Phase.FINISHED
    if status not in {"FAILED", "ABORTED"}:
        return Phase.RUNNING
    if any(word in error.lower() for word in TIMEOUT_WORDS):
        return Phase.TIMED_OUT
    return Phase(status)


def _translated(error: ClientError) -> L4mError:
    code = error.response["Error"]["Code"]
    message = error.response["Error"].get("Message", "")
    text = f"Redshift Data API, {error.operation_name}: {code}: {message}"
    if code.startswith("AccessDenied"):
        return AccessDenied(text)
    return SourceUnavailable(text) if code in TEMPORARY else StatementFailed(text)
