"""Every kind of session, by what the command line calls it in a URL."""

from __future__ import annotations

from collections.abc import Mapping

from l4m.databases.postgresql_session import PostgreSQLSession
from l4m.databases.session import Session

SESSIONS: Mapping[str, type[Session]] = {"postgresql": PostgreSQLSession, "postgres": PostgreSQLSession}
