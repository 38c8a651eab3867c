"""Sessions of PostgreSQL and Aurora PostgreSQL."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from l4m.databases.session import Kind, Login, Writing
from l4m.databases.statements import StatementAborted, StatementFailed, StatementTimedOut
from l4m.errors import AccessDenied, InvalidInput, L4mError, SourceUnavailable

if TYPE_CHECKING:
    from pg8000.native import Connection

CONNECT_SECONDS = 10
DAY = 86_400
KINDS = {1184: Kind.INSTANT, 1114: Kind.LOCAL, 1082: Kind.LOCAL}  # timestamptz, timestamp, date
SET_UP = (
    "BEGIN READ ONLY",  # in a transaction, settings hold behind a proxy too
    "SET LOCAL TIME ZONE 'UTC'",
    "SET LOCAL datestyle = 'ISO, YMD'",
)


def _bucket(column: str, kind: Kind, seconds: int, zone: str, phase: int) -> str:
    """Where intervals begin, as instants or as a wall clock's times, as the column has them."""
    if kind is Kind.LOCAL:
        return f"date_bin('{seconds} seconds', {column}::timestamp, TIMESTAMP '2000-01-01')"
    if seconds == DAY:
        return f"date_trunc('day', {column}, {_quoted(zone)})"
    return f"to_timestamp(floor((extract(epoch FROM {column}) - {phase}) / {seconds}) * {seconds} + {phase})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


WRITING = Writing(
    name=lambda name: '"' + name.replace('"', '""') + '"',
    text=lambda column: f"{column}::text",
    number=lambda column: f"CASE WHEN {column}::float8 NOT IN ('NaN', 'Infinity', '-Infinity') THEN {column}::float8 END",
    bucket=_bucket,
)


@dataclass(frozen=True)
class PostgreSQLSession:
    """One transaction that can only read."""

    connection: Connection

    dialect: ClassVar[str] = "postgres"
    default_port: ClassVar[int] = 5432
    writing: ClassVar[Writing] = WRITING

    @classmethod
    def open(cls, login: Login) -> PostgreSQLSession:
        """Log in, over TLS unless the login says otherwise."""
        import pg8000  # noqa: PLC0415 - only where a session is opened
        from pg8000.native import Connection  # noqa: PLC0415

        if faults := [*login.faults()]:
            raise InvalidInput(*faults)
        try:
            connection = Connection(
                login.user,
                host=login.host,
                port=login.port,
                database=login.database,
                password=login.password,
                ssl_context=_tls(login),
                timeout=CONNECT_SECONDS,
                application_name=login.name,
                tcp_keepalive=True,
            )
            connection._usock.settimeout(login.seconds + CONNECT_SECONDS)  # the server ends statements before that
            for statement in (*SET_UP, f"SET LOCAL statement_timeout = '{login.seconds}s'"):
                connection.execute_simple(statement)
        except ssl.SSLCertVerificationError as error:
            advice = "name the authorities that signed it as sslrootcert"
            raise SourceUnavailable(f"{_place(login)}: its certificate is not trusted ({error.verify_message}); {advice}") from error
        except (pg8000.Error, OSError) as error:
            raise _translated(error, _place(login)) from error
        return cls(connection)

    def columns(self, select: str) -> Mapping[str, Kind]:
        """The columns of a SELECT, of which no row is read."""
        context = self._call(lambda: self.connection.execute_unnamed(f"SELECT * FROM ({select}\n) AS l4m LIMIT 0"))
        return {str(column["name"]): KINDS.get(column["type_oid"], Kind.OTHER) for column in context.columns}

    def copy(self, select: str, delimiter: str, write: Callable[[bytes], Any]) -> int:
        """COPY: several times quicker than fetching rows, and the server writes the CSV."""
        options = f"FORMAT csv, HEADER, ENCODING 'UTF8', DELIMITER {_quoted(delimiter)}"
        statement = f"COPY ({select}\n) TO STDOUT WITH ({options})"
        return int(self._call(lambda: self.connection.execute_unnamed(statement, stream=_Sink(write))).row_count)

    def rows(self, select: str) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        return [tuple(row) for row in self._call(lambda: self.connection.execute_unnamed(select)).rows]

    def is_open(self, name: str) -> bool:
        """Whether there is another session of that name."""
        return bool(self.rows(f"SELECT pid FROM pg_stat_activity WHERE application_name = {_quoted(name)}"))

    def end(self, name: str) -> None:
        """End sessions of that name; a user may end its own."""
        self.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = {_quoted(name)}")

    def close(self) -> None:
        """End the session; one that is lost has ended."""
        import pg8000  # noqa: PLC0415

        try:
            self.connection.close()
        except (pg8000.Error, OSError):
            return

    def _call(self, do: Callable[[], Any]) -> Any:
        import pg8000  # noqa: PLC0415

        try:
            return do()
        except (pg8000.Error, OSError) as error:
            raise _translated(error, "PostgreSQL") from error


class _Sink:
    """What the driver writes to."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self.write = write


def _tls(login: Login) -> Any:
    if login.tls == "disable":
        return None
    context = ssl.create_default_context(cadata=login.authorities)
    if login.tls == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _translated(error: Exception, place: str) -> L4mError:
    """By what can be done about it; the codes are those of PostgreSQL's manual, Appendix A."""
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code = told.get("C", "")
    text = f"{place}: {told.get('M') or error}" + (f" ({code})" if code else "")
    if code in {"57014", "25P03"}:
        return StatementTimedOut(text) if "timeout" in text else StatementAborted(text)
    if code in {"57P01", "57P02", "40001"}:  # ended by an administrator or a restart; a standby that had to clean up
        return StatementAborted(text)
    if code.startswith("28") or code == "42501":
        return AccessDenied(text)
    if code.startswith(("08", "53", "57")) or not code:
        return SourceUnavailable(text)
    return StatementFailed(text)


def _place(login: Login) -> str:
    return f"postgresql://{login.user}@{login.host}:{login.port}/{login.database}"
