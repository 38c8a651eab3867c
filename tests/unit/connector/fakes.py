"""Stand-ins for what is outside: Redshift's Data API over a list of rows, and a client that dies at a chosen call."""

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

LITERAL = re.compile(r"TIMESTAMP ''([^']+)''")


def client_error(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class FakeRedshift:
    """The operations of the Data API that crawls use; a statement runs until ``finish``, ``fail`` or ``abort``."""

    s3: Any
    rows: list[datetime] = field(default_factory=list)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def batch_execute_statement(self, **arguments: Any) -> dict[str, str]:
        assert ("ClusterIdentifier" in arguments) != ("WorkgroupName" in arguments)
        assert len(arguments["ClientToken"]) <= 64
        for found, statement in self.statements.items():
            if statement["ClientToken"] == arguments["ClientToken"]:
                assert statement["Sqls"] == arguments["Sqls"], "one token, two statements"
                return {"Id": found}
        name = f"statement-{len(self.statements)}"
        self.statements[name] = {**arguments, "Status": "STARTED", "Error": "", "Rows": 0}
        return {"Id": name}

    def describe_statement(self, Id: str) -> dict[str, Any]:
        if Id not in self.statements:
            raise client_error("ResourceNotFoundException", "DescribeStatement")
        return {"Id": Id, "Status": self.statements[Id]["Status"], "Error": self.statements[Id]["Error"]}

    def get_statement_result(self, Id: str) -> dict[str, Any]:
        name, place = Id.split(":")
        assert self.statements[name]["Status"] == "FINISHED"
        assert place == "2"
        return {"Records": [[{"longValue": self.statements[name]["Rows"]}]]}

    def cancel_statement(self, Id: str) -> dict[str, bool]:
        if self.statements[Id]["Status"] != "STARTED":
            raise client_error("ValidationException", "CancelStatement")
        self.cancelled.append(Id)
        self.statements[Id]["Status"] = "ABORTED"
        return {"Status": True}

    def running(self) -> list[str]:
        return [name for name, statement in self.statements.items() if statement["Status"] == "STARTED"]

    def finish(self, name: str) -> None:
        """Do what UNLOAD does: write the window's rows, and no file at all when there are none."""
        statement = self.statements[name]
        sql = statement["Sqls"][0]
        rows = self._select(sql)
        bucket, prefix = re.search(r"TO 's3://([^/]+)/([^']+)'", sql).groups()  # type: ignore[union-attr]
        if "CLEANPATH" in sql:
            self._clean(bucket, prefix)
        if rows:
            self.s3.put_object(Bucket=bucket, Key=f"{prefix}000", Body=_csv(rows))
        statement |= {"Status": "FINISHED", "Rows": len(rows)}

    def fail(self, name: str, error: str = "relation does not exist") -> None:
        self.statements[name] |= {"Status": "FAILED", "Error": error}

    def abort(self, name: str) -> None:
        self.statements[name] |= {"Status": "ABORTED"}

    def _select(self, sql: str) -> list[datetime]:
        bounds = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in LITERAL.findall(sql)]
        start, end = bounds if len(bounds) == 2 else (datetime.min.replace(tzinfo=UTC), bounds[0])
        return [row for row in self.rows if start <= row < end]

    def _clean(self, bucket: str, prefix: str) -> None:
        for found in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()):
            self.s3.delete_object(Bucket=bucket, Key=found["Key"])


class Clients(dict[str, Any]):
    """Stands where the loader is: clients by the name of their service."""

    def client(self, service: str) -> Any:
        return self[service]

    def mortal(self, counter: list[int], at: int, *services: str) -> "Clients":
        """The same, but some of them die with the process."""
        return Clients({name: Mortal(one, counter, at) if name in services else one for name, one in self.items()})


class Killed(BaseException):
    """The runtime died here."""


class Mortal:
    """A client whose process dies at call number ``at``, counted over all clients that share ``counter``."""

    def __init__(self, client: Any, counter: list[int], at: int) -> None:
        self._client, self._counter, self._at = client, counter, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name in {"exceptions", "meta"}:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = found(*args, **kwargs) if self._counter[0] % 2 else None  # every other death comes after the call
            self._counter[0] += 1
            if self._counter[0] == self._at:
                raise Killed(name)
            return answer if answer is not None else found(*args, **kwargs)

        return call


def stored(s3: Any, bucket: str, prefix: str) -> dict[str, list[str]]:
    """All files below a prefix with their lines after the header."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    texts = {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode() for item in found}
    return {key: text.splitlines()[1:] for key, text in texts.items()}


def _csv(rows: list[datetime]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["timestamp", "views", "revenue", "platform", "marketplace"])
    writer.writerows([row.strftime("%Y-%m-%d %H:%M:%S"), 1, 2, "pc_web", "us"] for row in rows)
    return text.getvalue().encode()
