"""Messages that must go out exactly once: claimed before sending, remembered after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from l4m.store.table import Key, Table

REMEMBERED = timedelta(days=90)
DELIVERED, UNDELIVERED = "delivered", "undelivered"


@dataclass(frozen=True)
class Message:
    """Something to be told; ``claimed`` is the epoch second at which somebody began to send it, 0 before."""

    id: str
    kind: str
    body: Mapping[str, Any]
    attempts: int = 0
    claimed: int = 0
    version: int = 1


@dataclass(frozen=True)
class Outbox:
    """Messages of one detector."""

    table: Table
    detector: str

    def insert(self, message: Message) -> None:
        """Put a message in, unless it was put in or settled before."""
        absent = "attribute_not_exists(pk)"
        put = {"TableName": self.table.name, "Item": self._item(message), "ConditionExpression": absent}
        check = {"TableName": self.table.name, "Key": self._settled_key(message.id).item(), "ConditionExpression": absent}
        try:
            self.table.client.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
        except self.table.client.exceptions.TransactionCanceledException as error:
            codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" not in codes:
                raise

    def waiting(self) -> Iterator[Message]:
        """Messages that are not settled."""
        for row in self.table.query(f"{self.detector}#outbox"):
            yield Message(id=row.sort, version=row.version, **row.document)

    def claim(self, message: Message, now: datetime) -> Message | None:
        """The message as this sender's own, None when another has it."""
        return self._replace(message, attempts=message.attempts + 1, claimed=int(now.timestamp()))

    def release(self, message: Message) -> Message | None:
        """Give a message back that certainly was not sent, for a later attempt."""
        return self._replace(message, attempts=message.attempts, claimed=0)

    def settle(self, message: Message, outcome: str, now: datetime) -> None:
        """Remember how a message ended and take it out."""
        settled = self._settled_key(message.id).item() | {
            "doc": {"S": json.dumps({"outcome": outcome, "body": message.body})},
            "version": {"N": "1"},
            "expires": {"N": str(int((now + REMEMBERED).timestamp()))},
        }
        self.table.client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": self.table.name, "Item": settled}},
                {"Delete": {"TableName": self.table.name, "Key": self._key(message.id).item()}},
            ]
        )

    def settled(self, identifier: str) -> dict[str, Any] | None:
        """How a message ended: its ``outcome`` and ``body``; None when it is not settled."""
        row = self.table.get(self._settled_key(identifier))
        return row.document if row else None

    def _replace(self, message: Message, attempts: int, claimed: int) -> Message | None:
        document = {"kind": message.kind, "body": message.body, "attempts": attempts, "claimed": claimed}
        if not self.table.replace(self._key(message.id), document, message.version):
            return None
        return Message(message.id, message.kind, message.body, attempts, claimed, message.version + 1)

    def _item(self, message: Message) -> dict[str, Any]:
        document = {"kind": message.kind, "body": message.body, "attempts": message.attempts, "claimed": message.claimed}
        return self._key(message.id).item() | {"doc": {"S": json.dumps(document)}, "version": {"N": str(message.version)}}

    def _key(self, identifier: str) -> Key:
        return Key(f"{self.detector}#outbox", identifier)

    def _settled_key(self, identifier: str) -> Key:
        return Key(f"{self.detector}#settled", identifier)
