"""What every database can do for the crawls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, Self

from l4m.databases.secrets import Secret
from l4m.databases.statements import Statement
from l4m.errors import Fault


class Clients(Protocol):
    """AWS clients by the name of their service."""

    def client(self, service: str) -> Any:
        """The client of a service."""


@dataclass(frozen=True)
class Target:
    """The database that the stack was deployed for, by name; a kind whose secret says where it is needs none."""

    cluster: str | None = None
    workgroup: str | None = None
    kms_key_arn: str | None = None  # what it exports is encrypted under


@dataclass(frozen=True)
class Destination:
    """Where the rows of a SELECT go: a folder of history, or one window's file; ``prefix`` is what file names begin with."""

    prefix: str
    role_arn: str
    csv: Mapping[str, Any]
    is_folder: bool = False  # what else lies in it is older, and goes
    kms_key_arn: str | None = None  # of the bucket, where a database would take a key of its own otherwise


class Database(Protocol):
    """One database that is crawled; what it is asked for may take long, so nothing waits for it.

    A crawl keeps the statements of ``export`` and their token before it submits them: whoever finds them there may submit
    them again, and gets the same statement, or one that writes the same files.
    """

    dialect: ClassVar[str]  # of sqlglot
    secret_name: ClassVar[str]  # unless params.json names another
    secret_keys: ClassVar[tuple[str, ...]]  # that a secret must have
    takes_limit: ClassVar[bool]  # whether a SELECT that ends in a LIMIT can be exported
    ends_at_once: ClassVar[bool]  # whether a statement has ended when ``submit`` returns; else an event tells when

    @classmethod
    def open(cls, clients: Clients, secret: Secret, target: Target) -> Self:
        """The database that a secret leads to."""

    @classmethod
    def secret_faults(cls, secret: Secret, target: Target) -> Iterable[Fault]:
        """What a secret says that does not go with the stack."""

    @classmethod
    def literal(cls, instant: datetime) -> str:
        """An instant as the dialect writes it, in UTC."""

    @classmethod
    def export(cls, select: str, destination: Destination) -> tuple[str, ...]:
        """The statements that bring the rows of a SELECT into the bucket as one or more files, each with a header."""

    def submit(self, statements: Sequence[str], name: str, token: str, with_event: bool = False) -> str:
        """Start what ``export`` returned; the same token never has another effect than once. Returns the statement's id."""

    def find(self, statements: Sequence[str], token: str) -> Statement | None:
        """The statement of a token whose id was not kept; None when it is not at work and never will be."""

    def look(self, statement_id: str) -> Statement:
        """See once where a statement stands."""

    def rows(self, statement_id: str) -> int:
        """How many rows a finished statement brought."""

    def cancel(self, statement_id: str) -> None:
        """Ask for a statement to be cancelled; one that has ended stays as it is."""
