"""Every database by its ``database_type``; a new one is a module, a row here, and what the recipe adds around it."""

from __future__ import annotations

from collections.abc import Mapping

from l4m.databases.database import Database
from l4m.databases.postgresql import PostgreSQL
from l4m.databases.redshift import Redshift

DATABASES: Mapping[str, type[Database]] = {"redshift": Redshift, "postgresql": PostgreSQL}
