"""PostgreSQL and Aurora PostgreSQL: rows are streamed with COPY, which needs no extension and no role of the database's own."""

from __future__ import annotations

from typing import ClassVar

from l4m.databases.postgresql_session import PostgreSQLSession
from l4m.databases.session import Session
from l4m.databases.session_database import SessionDatabase


class PostgreSQL(SessionDatabase):
    """One database of a server, an instance or a cluster."""

    session: ClassVar[type[Session]] = PostgreSQLSession
    dialect: ClassVar[str] = PostgreSQLSession.dialect
    secret_name: ClassVar[str] = "postgresql-l4mintegration"  # noqa: S105 - the name of a secret, not one
