"""Databases that are reached by a session of their own: what they export is streamed through the function into the bucket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from l4m.databases.bucket_upload import BucketUpload
from l4m.databases.database import Clients, Destination, Target
from l4m.databases.files import first_file, is_gzip
from l4m.databases.secrets import Secret, read_secret
from l4m.databases.session import Login, Session
from l4m.databases.statements import Phase, Statement, StatementAborted, StatementFailed, StatementTimedOut
from l4m.errors import Fault

FAILURES = {StatementFailed: Phase.FAILED, StatementAborted: Phase.ABORTED, StatementTimedOut: Phase.TIMED_OUT}


@dataclass(frozen=True)
class Job:
    """An export: the SELECT, the file that its rows go to, and the folder that is cleared for them."""

    select: str
    bucket: str
    key: str
    delimiter: str = ","
    is_gzip: bool = False
    cleared: str = ""


@dataclass(frozen=True)
class SessionDatabase:
    """One database behind a login; its statements have ended when ``submit`` returns, and their ids say how.

    An id of a session that may still be at work holds the token, which is also the session's name.
    """

    clients: Clients
    secret: Secret

    session: ClassVar[type[Session]]
    dialect: ClassVar[str]
    secret_name: ClassVar[str]
    secret_keys: ClassVar[tuple[str, ...]] = ("host", "username", "password", "dbname")
    takes_limit: ClassVar[bool] = True
    ends_at_once: ClassVar[bool] = True

    @classmethod
    def open(cls, clients: Clients, secret: Secret, target: Target) -> Self:
        """The database of a secret: the secret alone says where it is."""
        return cls(clients, secret)

    @classmethod
    def secret_faults(cls, secret: Secret, target: Target) -> Iterable[Fault]:
        """Values that cannot be used."""
        port = secret.text("port")
        if port and not port.isdecimal():
            yield Fault("secret_name", f"says {port!r} for the port, which is no number")
        yield from (Fault("secret_name", f"says for sslmode: {fault.message}") for fault in login_of(secret, cls.session).faults())

    @classmethod
    def literal(cls, instant: datetime) -> str:
        """A typed literal; sessions are in UTC."""
        return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"

    @classmethod
    def export(cls, select: str, destination: Destination) -> tuple[str, ...]:
        """One text that says what ``submit`` does."""
        bucket, _, key = first_file(destination.prefix, destination.csv).removeprefix("s3://").partition("/")
        folder = destination.prefix.removeprefix(f"s3://{bucket}/") if destination.is_folder else ""
        job = Job(select, bucket, key, destination.csv.get("Delimiter", ","), is_gzip(destination.csv), folder)
        return (json.dumps(asdict(job), ensure_ascii=False),)

    def submit(self, statements: Sequence[str], name: str, token: str, with_event: bool = False) -> str:
        """Stream the rows into their file, which appears when all have come; another attempt writes the same file again."""
        try:
            rows = self._export(Job(**json.loads(statements[0])), token)
        except tuple(FAILURES) as error:
            return json.dumps({"phase": FAILURES[type(error)], "error": str(error)})
        return json.dumps({"phase": Phase.FINISHED, "rows": rows})

    def find(self, statements: Sequence[str], token: str) -> Statement | None:
        """The statement of another function that may still be at work; None when no session is."""
        with closing(self._connect("l4m")) as session:
            if not session.is_open(session_name(token)):
                return None
        return Statement(json.dumps({"phase": Phase.RUNNING, "token": token}), Phase.RUNNING)

    def look(self, statement_id: str) -> Statement:
        """How a statement ended."""
        told = json.loads(statement_id)
        return Statement(statement_id, Phase(told["phase"]), told.get("error", ""))

    def rows(self, statement_id: str) -> int:
        """How many rows it brought."""
        return int(json.loads(statement_id)["rows"])

    def cancel(self, statement_id: str) -> None:
        """End the session that is at work, and with it the function's wait for its rows."""
        token = json.loads(statement_id).get("token")
        if token:
            with closing(self._connect("l4m")) as session:
                session.end(session_name(token))

    def _export(self, job: Job, token: str) -> int:
        s3 = self.clients.client("s3")
        with closing(self._connect(session_name(token))) as session, BucketUpload(s3, job.bucket, job.key, is_gzip=job.is_gzip) as upload:
            rows = session.copy(job.select, job.delimiter, upload.write)
            upload.finish()
            if job.cleared:
                _clear(s3, job)
        return rows

    def _connect(self, name: str) -> Session:
        """Passwords may have been rotated since the secret was read, so it is read again."""
        secret = read_secret(self.clients.client("secretsmanager"), self.secret.arn, self.secret_keys)
        return self.session.open(login_of(secret, self.session, name))


def login_of(secret: Secret, session: type[Session], name: str = "l4m") -> Login:
    """The login in a secret of the form that RDS gives them."""
    port = secret.text("port") or ""
    return Login(
        host=str(secret.text("host")),
        port=int(port) if port.isdecimal() else session.default_port,
        user=str(secret.text("username")),
        database=str(secret.text("dbname")),
        password=secret.text("password"),
        tls=secret.text("sslmode") or "verify-full",
        authorities=secret.text("sslrootcert"),
        name=name,
    )


def session_name(token: str) -> str:
    """What the session of a token is called, in the 63 characters that databases keep."""
    return f"l4m-{token[:48]}"


def _clear(s3: Any, job: Job) -> None:
    """Remove what an older export left in the folder."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=job.bucket, Prefix=job.cleared)
    for entry in (entry for page in pages for entry in page.get("Contents", ())):
        if entry["Key"] != job.key:
            s3.delete_object(Bucket=job.bucket, Key=entry["Key"])
