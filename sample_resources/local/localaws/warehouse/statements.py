"""Statements of the Data API: submitted, running in the background, finished, failed or aborted."""

import contextlib
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from localaws.identity import Caller
from localaws.waiting import wait_until
from localaws.warehouse.sessions import Session, Warehouse

if TYPE_CHECKING:
    from localaws.cloud import Cloud

log = logging.getLogger(__name__)
ENDED = {"FINISHED", "FAILED", "ABORTED"}
STOP_SECONDS = 5.0  # for what is aborted to end
KEEP = 5_000  # statements remembered; AWS keeps them for a day


@dataclass
class Part:
    """One SQL text of a statement."""

    sql: str
    status: str = "SUBMITTED"
    error: str = ""
    rows: int = 0
    size: int = 0
    started: float = 0.0
    finished: float = 0.0
    result: dict[str, Any] | None = None

    def wire(self) -> dict[str, Any]:
        """Return what DescribeStatement says of this text."""
        answer: dict[str, Any] = {
            "QueryString": self.sql,
            "Status": self.status,
            "HasResultSet": self.result is not None,
            "ResultRows": self.rows if self.status == "FINISHED" else -1,
            "ResultSize": self.size if self.status == "FINISHED" else -1,
            "Duration": int((self.finished - self.started) * 1e9) if self.finished else 0,
            "RedshiftQueryId": 0,
        }
        return answer | ({"Error": self.error} if self.error else {})


@dataclass
class Statement:
    """One submission and its texts."""

    id: str
    body: dict[str, Any]
    parts: list[Part]
    is_batch: bool
    owner: str
    principal: str
    arn: str
    created: float
    status: str = "SUBMITTED"
    updated: float = 0.0
    error: str = ""
    session: Session | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The statement's name, empty when it has none."""
        return str(self.body.get("StatementName") or "")

    def part(self, number: int | None) -> Part:
        """Return a sub-statement by its number from 1, or the last when there is no number."""
        return self.parts[-1] if number is None or number > len(self.parts) else self.parts[number - 1]

    def cancel(self) -> None:
        """Abort what runs or waits."""
        with self.lock:
            if self.status in ENDED:
                return
            self.updated = time.time()
            self.status = "ABORTED"
            for part in self.parts:
                if part.status not in ENDED:
                    part.status = "ABORTED"
        threading.Thread(target=self._interrupt, daemon=True).start()

    def _interrupt(self) -> None:
        """Interrupt until the session has ended: an interrupt that comes before its query begins is lost."""
        deadline = time.monotonic() + STOP_SECONDS
        while (session := self.session) and time.monotonic() < deadline:
            with contextlib.suppress(duckdb.Error):  # it may end in between
                session.interrupt()
            time.sleep(0.02)

    def summary(self) -> dict[str, Any]:
        """Return what ListStatements says."""
        answer: dict[str, Any] = {
            "Id": self.id,
            "CreatedAt": self.created,
            "UpdatedAt": self.updated or self.created,
            "Status": self.status,
            "IsBatchStatement": self.is_batch,
            "StatementName": self.name,
            "SecretArn": self.body.get("SecretArn", ""),
        }
        return answer | ({"QueryStrings": [part.sql for part in self.parts]} if self.is_batch else {"QueryString": self.parts[0].sql})

    def described(self, number: int | None) -> dict[str, Any]:
        """Return what DescribeStatement says of the statement, or of one of its parts."""
        times = {"CreatedAt": self.created, "UpdatedAt": self.updated or self.created}
        same = {
            key: self.body[key] for key in ("ClusterIdentifier", "WorkgroupName", "Database", "SecretArn", "DbUser") if key in self.body
        }
        if number is not None:
            return {**same, **times, "Id": f"{self.id}:{number}", **self.part(number).wire()}
        if not self.is_batch:
            answer = {**same, **times, "Id": self.id, "RedshiftPid": 1, **self.parts[0].wire(), "Status": self.status}
        else:
            parts = [{**times, "Id": f"{self.id}:{index}", **part.wire()} for index, part in enumerate(self.parts, 1)]
            answer = {**same, **times, "Id": self.id, "Status": self.status, "RedshiftPid": 1, "RedshiftQueryId": 0, "SubStatements": parts}
            answer["HasResultSet"] = any(part.result is not None for part in self.parts)
            answer["Duration"] = sum(int(part["Duration"]) for part in parts)
            answer |= {"ResultRows": self.parts[-1].rows, "ResultSize": self.parts[-1].size}
        return answer | ({"Error": self.error} if self.error else {})


class Statements:
    """All statements; a few threads run them."""

    def __init__(self, cloud: "Cloud", warehouse: Warehouse) -> None:
        self._cloud = cloud
        self._warehouse = warehouse
        self._all: dict[str, Statement] = {}
        self._tokens: dict[str, Statement] = {}
        self._lock = threading.Lock()
        self.submitted = 0
        self._threads = ThreadPoolExecutor(4, "statement")

    def submit(self, body: dict[str, Any], sqls: list[str], is_batch: bool, caller: Caller, arn: str) -> Statement:
        """Queue a new statement."""
        now = time.time()
        made = Statement(str(uuid.uuid4()), body, [Part(sql) for sql in sqls], is_batch, caller.user_id, caller.arn, arn, now)
        with self._lock:
            self._all[made.id] = made
            self.submitted += 1
            if token := body.get("ClientToken"):
                self._tokens[token] = made
            while len(self._all) > KEEP:
                self._all.pop(next(iter(self._all)))
        self._cloud.activity.begin("statement")
        self._threads.submit(self._run, made)
        return made

    def repeated(self, body: dict[str, Any]) -> Statement | None:
        """Return the statement that was already submitted with this client token."""
        with self._lock:
            return self._tokens.get(body.get("ClientToken") or "")

    def find(self, statement_id: str) -> Statement | None:
        """Return a statement by its id."""
        return self._all.get(statement_id)

    def newest(self) -> list[Statement]:
        """Return all statements, newest first."""
        return list(reversed(self._all.values()))

    def close(self) -> None:
        """Abort what runs and close the databases."""
        for statement in list(self._all.values()):
            statement.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        try:
            wait_until("aborted statements to end", lambda: not any(one.session for one in self._all.values()), STOP_SECONDS)
        except TimeoutError:
            log.exception("a database is closed over its statements")
        self._warehouse.close()

    def _run(self, statement: Statement) -> None:
        try:
            self._execute(statement)
            if statement.body.get("WithEvent"):
                self._announce(statement)
        except Exception:
            log.exception("statement %s", statement.id)
        finally:
            self._cloud.activity.end("statement")

    def _execute(self, statement: Statement) -> None:
        body = statement.body
        with statement.lock:
            if statement.status == "ABORTED":
                return
            statement.session = self._warehouse.session(
                str(body.get("ClusterIdentifier") or body.get("WorkgroupName")), str(body["Database"]), "WorkgroupName" in body
            )
            statement.updated = time.time()
            statement.status = "STARTED"
        session = statement.session
        session.begin()
        for part in statement.parts:
            if statement.status == "ABORTED":
                break
            part.started = time.time()
            part.status = "STARTED"
            try:
                outcome = session.run(part.sql, body.get("Parameters") or [])
            except Exception as error:  # noqa: BLE001 (every failure of a statement is its result)
                if statement.status != "ABORTED":
                    part.error = session.explain(error)
                    part.status = "FAILED"
                part.finished = time.time()
                break
            part.rows, part.size, part.result = outcome
            part.finished = time.time()
            part.status = "FINISHED"
        self._settle(statement, session)

    def _settle(self, statement: Statement, session: Session) -> None:
        failed = next((part for part in statement.parts if part.status == "FAILED"), None)
        with statement.lock:
            done = failed is None and statement.status != "ABORTED"
            session.end(commit=done)
            statement.session = None
            if statement.status == "ABORTED":
                return
            if failed:
                statement.error = (
                    f"Query #{statement.parts.index(failed) + 1} failed with {failed.error}" if statement.is_batch else failed.error
                )
                for part in statement.parts:
                    if part.status not in ENDED:
                        part.status = "ABORTED"
            statement.updated = time.time()
            statement.status = "FAILED" if failed else "FINISHED"

    def _announce(self, statement: Statement) -> None:
        detail = {
            "principal": statement.principal,
            "statementName": statement.name,
            "statementId": statement.id,
            "redshiftQueryId": 0,
            "state": statement.status,
            "rows": statement.parts[-1].rows,
            "expireAt": int(statement.created) + 86_400,
        }
        self._cloud.delivery.emit("aws.redshift-data", "Redshift Data Statement Status Change", detail, [statement.arn])
