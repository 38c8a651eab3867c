"""Databases of clusters and workgroups, and sessions that run Redshift's SQL in them."""

import json
import re
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from localaws.warehouse.dialect import RedshiftError, to_duckdb
from localaws.warehouse.transfer import Transfer

if TYPE_CHECKING:
    from localaws.cloud import Cloud

Outcome = tuple[int, int, dict[str, Any] | None]
TYPES = {
    "BOOLEAN": "bool",
    "TINYINT": "int2",
    "SMALLINT": "int2",
    "INTEGER": "int4",
    "BIGINT": "int8",
    "HUGEINT": "int8",
    "FLOAT": "float4",
    "DOUBLE": "float8",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
}
MEMORY = "256MB"


class Warehouse:
    """One DuckDB database file per cluster (or workgroup) and database."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._databases: dict[tuple[str, str], duckdb.DuckDBPyConnection] = {}
        self._lock = threading.Lock()

    def session(self, cluster: str, database: str, is_serverless: bool = False) -> "Session":
        """Return a new session."""
        with self._lock:
            key = (re.sub(r"\W", "_", cluster), re.sub(r"\W", "_", database))
            if key not in self._databases:
                folder = self._cloud.home / "redshift" / key[0]
                folder.mkdir(parents=True, exist_ok=True)
                config = {
                    "memory_limit": MEMORY,
                    "threads": 2,
                    "temp_directory": str(self._cloud.home / "tmp"),
                    "preserve_insertion_order": False,
                }
                self._databases[key] = duckdb.connect(str(folder / f"{key[1]}.duckdb"), config=config)
                self._databases[key].execute("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false")
            return Session(self._databases[key].cursor(), Transfer(self._cloud, cluster, is_serverless))

    def close(self) -> None:
        """Close every database."""
        with self._lock:
            for connection in self._databases.values():
                connection.close()
            self._databases.clear()


class Session:
    """One connection, in one transaction, with what ``pg_last_unload_count()`` remembers."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, transfer: Transfer) -> None:
        self._connection = connection
        self._transfer = transfer
        self._connection.execute("SET TimeZone = 'UTC'")
        self._unloaded = 0
        self._copied = 0

    def begin(self) -> None:
        """Open the transaction."""
        self._connection.execute("BEGIN")

    def end(self, commit: bool) -> None:
        """Commit or roll back, and close."""
        try:
            self._connection.execute("COMMIT" if commit else "ROLLBACK")
        except duckdb.TransactionException:
            if commit:
                raise
        finally:
            self._connection.close()

    def interrupt(self) -> None:
        """Stop the query that runs."""
        self._connection.interrupt()

    def run(self, sql: str, parameters: list[dict[str, str]]) -> Outcome:
        """Run one text; return rows, bytes and the result set (None when there is none)."""
        word = sql.split(None, 1)[0].lower() if sql.split() else ""
        if word == "unload":
            self._unloaded = self._transfer.unload(self._connection, sql)
            return 0, 0, None
        if word == "copy":
            self._copied = self._transfer.copy(self._connection, sql)
            return self._copied, 0, None
        remembered = {"pg_last_unload_count": self._unloaded, "pg_last_copy_count": self._copied}
        values = {item["name"]: item["value"] for item in parameters}
        cursor = None
        for text in to_duckdb(sql, remembered, values):
            cursor = self._connection.execute(text)
        return _outcome(cursor, word)

    def explain(self, error: Exception) -> str:
        """Return the error as Redshift words it."""
        return redshift_message(error)


def _outcome(cursor: duckdb.DuckDBPyConnection | None, word: str) -> Outcome:
    if cursor is None or cursor.description is None:
        return 0, 0, None
    if word in ("insert", "update", "delete"):
        return int((cursor.fetchone() or (0,))[0]), 0, None
    if word not in ("select", "with", "show", "describe", "values"):
        return 0, 0, None
    columns = [_column(item) for item in cursor.description]
    records = [[_field(value) for value in row] for row in cursor.fetchall()]
    size = len(json.dumps(records))
    return len(records), size, {"ColumnMetadata": columns, "Records": records, "TotalNumRows": len(records)}


def _column(item: tuple[Any, ...]) -> dict[str, Any]:
    kind = str(item[1])
    if found := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):
        return {"name": item[0], "label": item[0], "typeName": "numeric", "precision": int(found[1]), "scale": int(found[2]), "nullable": 1}
    return {"name": item[0], "label": item[0], "typeName": TYPES.get(kind, "varchar"), "precision": 0, "scale": 0, "nullable": 1}


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": f"{value:f}" if isinstance(value, Decimal) else str(value)}


def redshift_message(error: Exception) -> str:
    """Return a DuckDB or transfer error as Redshift words it."""
    text = str(error)
    if isinstance(error, RedshiftError):
        return f"ERROR: {text}"
    if found := re.search(r"Table with name (\S+) does not exist", text):
        return f'ERROR: relation "{found[1]}" does not exist'
    if found := re.search(r'Referenced column "(.+?)" (?:was )?not found', text):
        return f'ERROR: column "{found[1]}" does not exist'
    if found := re.search(r'syntax error at or near "(.+?)"', text):
        return f'ERROR: syntax error at or near "{found[1]}"'
    if found := re.search(r'Table with name "?(\S+?)"? already exists', text):
        return f'ERROR: Relation "{found[1]}" already exists'
    return f"ERROR: {text.splitlines()[0] if text else type(error).__name__}"
