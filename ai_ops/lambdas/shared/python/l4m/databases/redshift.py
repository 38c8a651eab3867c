"""Redshift through its Data API: statements are submitted, looked at, cancelled; nothing waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from l4m.databases.database import Clients, Destination, Target
from l4m.databases.files import is_gzip
from l4m.databases.secrets import Secret
from l4m.databases.statements import Phase, Statement, StatementFailed
from l4m.errors import AccessDenied, Fault, L4mError, SourceUnavailable

COUNT = "SELECT pg_last_unload_count()"
TEMPORARY = {
    "ThrottlingException",
    "InternalServerException",
    "ActiveStatementsExceededException",
    "ActiveSessionsExceededException",
    "DatabaseConnectionException",
    "QueryTimeoutException",
}
TIMEOUT_WORDS = ("timeout", "timed out", "query_execution_time")


@dataclass(frozen=True)
class Redshift:
    """One database on a provisioned cluster or a serverless workgroup; ``client`` is a Data API client."""

    client: Any
    secret: Secret
    target: Target = field(default_factory=Target)

    dialect: ClassVar[str] = "redshift"
    secret_name: ClassVar[str] = "redshift-l4mintegration"  # noqa: S105 - the name of a secret, not one
    secret_keys: ClassVar[tuple[str, ...]] = ("username", "password", "db")
    takes_limit: ClassVar[bool] = False
    ends_at_once: ClassVar[bool] = False

    @classmethod
    def open(cls, clients: Clients, secret: Secret, target: Target) -> Redshift:
        """The database of a secret on the stack's cluster or workgroup, or else on the secret's own cluster."""
        return cls(clients.client("redshift-data"), secret, target)

    @classmethod
    def secret_faults(cls, secret: Secret, target: Target) -> Iterator[Fault]:
        """A secret that names a cluster names the stack's."""
        cluster = secret.text("dbClusterIdentifier")
        if target.cluster and cluster and cluster != target.cluster:
            yield Fault("secret_name", f"is for cluster {cluster!r}, this stack for {target.cluster!r}")

    @classmethod
    def literal(cls, instant: datetime) -> str:
        """A typed literal: nothing depends on the session's settings."""
        return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"

    @classmethod
    def export(cls, select: str, destination: Destination) -> tuple[str, ...]:
        """UNLOAD and its count; quotes inside are doubled, and so is the backslash, which an UNLOAD string would swallow."""
        delimiter = destination.csv.get("Delimiter", ",")
        role = _quoted(destination.role_arn)
        parts = [f"UNLOAD ({_quoted(select)})", f"TO {_quoted(destination.prefix)}", f"IAM_ROLE {role}", "HEADER CSV"]
        if delimiter != ",":
            parts.append(f"DELIMITER {_quoted(delimiter)}")
        if is_gzip(destination.csv):
            parts.append("GZIP")
        if destination.kms_key_arn:  # unless told, UNLOAD encrypts with S3's key, whatever the bucket's is
            parts.append(f"KMS_KEY_ID {_quoted(destination.kms_key_arn.rsplit('/', 1)[-1])} ENCRYPTED")
        # one file of a fixed name: doing it again replaces it
        parts.append("CLEANPATH" if destination.is_folder else "PARALLEL OFF ALLOWOVERWRITE")
        return "\n".join(parts), COUNT

    def submit(self, statements: Sequence[str], name: str, token: str, with_event: bool = False) -> str:
        """Start statements in one session and transaction; the same token never starts them twice."""
        cluster = self.target.cluster or self.secret.text("dbClusterIdentifier")
        where = {"WorkgroupName": self.target.workgroup} if self.target.workgroup else {"ClusterIdentifier": cluster}
        answer = self._call(
            "batch_execute_statement",
            Sqls=list(statements),
            StatementName=name[:500],
            ClientToken=token,
            WithEvent=with_event,
            Database=self.secret.text("db"),
            SecretArn=self.secret.arn,
            **where,
        )
        return str(answer["Id"])

    def find(self, statements: Sequence[str], token: str) -> Statement | None:
        """Submit it again, since the same token gives the same statement; None when it cannot even be submitted."""
        try:
            return self.look(self.submit(statements, "superseded", token))
        except StatementFailed:
            return None

    def look(self, statement_id: str) -> Statement:
        """Look at a statement once; the Data API keeps results for a day."""
        try:
            answer = self._call("describe_statement", Id=statement_id)
        except StatementFailed as error:
            return Statement(statement_id, Phase.UNKNOWN, str(error))
        return Statement(statement_id, _phase(answer["Status"], answer.get("Error", "")), answer.get("Error", ""))

    def rows(self, statement_id: str) -> int:
        """What COUNT, the second statement of a finished batch, returned."""
        answer = self._call("get_statement_result", Id=f"{statement_id}:2")
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


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


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
