"""Names and values of users inside SQL: always quoted, never spliced."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A column's name as SQL reads it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL reads it."""
    return "'" + text.replace("'", "''") + "'"
