"""Messages that must go out once: each is claimed before it is sent, and remembered after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from l4m.store.formats import read_fields
from l4m.store.table import Key, KeyTakenError, Table

WAITING = "waiting"
DELIVERED = "delivered"
UNDELIVERED = "undelivered"


@dataclass(frozen=True)
class Message:
    """Something to be told; ``claimed`` is the epoch second at which somebody began to send it, 0 when nobody has."""

    id: str
    kind: str
    body: Mapping[str, Any]
    outcome: str = WAITING
    attempts: int = 0
    claimed: int = 0
    version: int = 1


@dataclass(frozen=True)
class Outbox:
    """Messages of one detector.

    A message is kept for good, so that it is never put in twice; a mark in a second partition says that it waits. Only the
    message's version decides who may send it: a mark that outlives its message's settlement is harmless.
    """

    table: Table
    detector: str

    def insert(self, message: Message) -> None:
        """Put a message in, unless it was put in before."""
        try:
            self.table.add(self._key(message.id), _document(message))
        except KeyTakenError:
            known = self.find(message.id)
            if known is None or known.outcome != WAITING:
                return
        self.table.put(self._mark(message.id), {})

    def waiting(self) -> Iterator[Message]:
        """Messages that are not settled."""
        for row in list(self.table.query(self._mark("").partition)):
            message = self.find(row.sort)
            if message is not None and message.outcome == WAITING:
                yield message
            else:
                self.table.delete(self._mark(row.sort))

    def find(self, identifier: str) -> Message | None:
        """A message as it stands."""
        row = self.table.get(self._key(identifier))
        return read_fields(Message, {**row.document, "id": identifier, "version": row.version}) if row else None

    def claim(self, message: Message, now: datetime) -> Message | None:
        """The message as this sender's own, None when another has it."""
        return self._replace(replace(message, attempts=message.attempts + 1, claimed=int(now.timestamp())))

    def release(self, message: Message) -> Message | None:
        """Give a message back that certainly was not sent, for a later attempt."""
        return self._replace(replace(message, claimed=0))

    def settle(self, message: Message, outcome: str) -> None:
        """Remember how a message ended."""
        if self._replace(replace(message, outcome=outcome)):
            self.table.delete(self._mark(message.id))

    def _replace(self, message: Message) -> Message | None:
        if not self.table.replace(self._key(message.id), _document(message), message.version):
            return None
        return replace(message, version=message.version + 1)

    def _key(self, identifier: str) -> Key:
        return Key(f"{self.detector}#message", identifier)

    def _mark(self, identifier: str) -> Key:
        return Key(f"{self.detector}#waiting", identifier)


def _document(message: Message) -> dict[str, Any]:
    document = asdict(message)
    del document["id"], document["version"]
    return document
