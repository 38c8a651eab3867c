"""One DynamoDB table: documents under a partition and a sort key, each with the number of its format, written only on conditions."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from l4m.errors import Conflict, Fault, InvalidInput, Unreadable
from l4m.store.formats import FIRST, format_of, kind_of, upgrade

Document = dict[str, Any]
Documents = tuple[Document | None, ...]
LARGEST_DOCUMENT = 390_000  # bytes; DynamoDB takes items of 400 KB, keys and version included
ATTEMPTS = 8  # at a change, while others write the same
MOST_KEYS = 100  # of a batch
_VERSIONS = 10**15  # so many that a version never comes back
MISSING = "attribute_not_exists(pk)"


@dataclass(frozen=True)
class Key:
    """Where a document lies."""

    partition: str
    sort: str

    def item(self) -> dict[str, Any]:
        """The key as DynamoDB takes it."""
        return {"pk": {"S": self.partition}, "sk": {"S": self.sort}}


@dataclass(frozen=True)
class Row:
    """A document as it lies in the table; every write gives it another ``version``."""

    partition: str
    sort: str
    document: Document
    version: int


class KeyTakenError(Exception):
    """The key to be inserted is taken."""


class RequirementFailedError(Exception):
    """The document that an insertion depends on is gone or has another status."""


class Table:
    """Reads are strongly consistent; a write happens wholly or not at all."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def get(self, key: Key) -> Row | None:
        """The document under a key."""
        item = self.client.get_item(TableName=self.name, Key=key.item(), ConsistentRead=True).get("Item")
        return _row(item) if item else None

    def get_many(self, keys: Sequence[Key]) -> Iterator[Row]:
        """The documents under some keys, in no order; keys without one are left out."""
        for first in range(0, len(keys), MOST_KEYS):
            asked = [key.item() for key in keys[first : first + MOST_KEYS]]
            left: dict[str, Any] = {self.name: {"Keys": asked, "ConsistentRead": True}}
            for _ in asked:  # every answer has one of them at least
                answer = self.client.batch_get_item(RequestItems=left)
                yield from map(_row, answer["Responses"].get(self.name, ()))
                left = answer["UnprocessedKeys"]
                if not left:
                    break
            else:
                raise Conflict(f"{len(asked)} documents cannot be read, the first {asked[0]}: the table answers without them; try again")

    def insert(self, key: Key, document: Document, requires: Key | None = None, unless_status: str = "") -> None:
        """Write a new document; ``requires`` must exist then and not have the status ``unless_status``."""
        put = {"TableName": self.name, "Item": _item(key, document, _any_version()), "ConditionExpression": MISSING}
        checks = [self._check(requires, unless_status)] if requires else []
        try:
            self.client.transact_write_items(TransactItems=[{"Put": put}, *checks])
        except self.client.exceptions.TransactionCanceledException as error:
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            if "TransactionConflict" in codes:
                raise Conflict(f"{key.sort!r} is being changed by another call; try again", key.partition, key.sort) from error
            raise (KeyTakenError if codes[:1] == ["ConditionalCheckFailed"] else RequirementFailedError)(key.sort) from error

    def add(self, key: Key, document: Document) -> None:
        """Write a new document that depends on no other."""
        try:
            self.client.put_item(TableName=self.name, Item=_item(key, document, 1), ConditionExpression=MISSING)
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise KeyTakenError(key.sort) from error

    def put(self, key: Key, document: Document) -> None:
        """Write a document, whatever was there; a change that read what was there before does not overwrite it."""
        self.client.put_item(TableName=self.name, Item=_item(key, document, _any_version()))

    def change(self, key: Key, edit: Callable[[Document], Document]) -> Document | None:
        """Replace a document by what ``edit`` makes of it, as if nobody else were writing; None when there is none."""

        def edit_one(found: Documents) -> Documents:
            return tuple(None if document is None else edit(document) for document in found)

        return self.change_together((key,), edit_one)[0]

    def change_together(self, keys: Sequence[Key], edit: Callable[[Documents], Documents]) -> Documents:
        """Replace documents by what ``edit`` makes of them all, as if nobody else were writing any of them.

        None stands for a document that is not there; one that is there has to stay.
        """
        for _ in range(ATTEMPTS):
            rows = [self.get(key) for key in keys]
            before = tuple(row.document if row else None for row in rows)
            after = edit(before)
            if after == before or self._swap(keys, rows, after):
                return after
        raise Conflict(f"{keys[0].sort!r} is being changed by others; try again", keys[0].partition, keys[0].sort)

    def delete(self, key: Key) -> bool:
        """Remove a document; False when there was none."""
        answer = self.client.delete_item(TableName=self.name, Key=key.item(), ReturnValues="ALL_OLD")
        return bool(answer.get("Attributes"))

    def query(self, partition: str, prefix: str = "", after: str | None = None) -> Iterator[Row]:
        """Documents of a partition in the order of their sort keys, those beyond ``after``; read page by page as they are taken."""
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk" + (" AND begins_with(sk, :prefix)" if prefix else ""),
            "ExpressionAttributeValues": {":pk": {"S": partition}} | ({":prefix": {"S": prefix}} if prefix else {}),
            "ConsistentRead": True,
        }
        start = Key(partition, after).item() if after is not None else None
        while True:
            page = self.client.query(**arguments, **({"ExclusiveStartKey": start} if start else {}))
            yield from map(_row, page["Items"])
            start = page.get("LastEvaluatedKey")
            if not start:
                return

    def replace(self, key: Key, document: Document, version: int) -> bool:
        """Write a document in the place of the version that was read; False when somebody else was faster."""
        try:
            self.client.put_item(
                TableName=self.name,
                Item=_item(key, document, version + 1),
                ConditionExpression="version = :seen",
                ExpressionAttributeValues={":seen": {"N": str(version)}},
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _swap(self, keys: Sequence[Key], rows: Sequence[Row | None], after: Documents) -> bool:
        """Write what differs, all of it or nothing; False when any of the documents is not the one that was read."""
        if len(keys) == 1 and rows[0] and after[0] is not None:
            return self.replace(keys[0], after[0], rows[0].version)
        steps = [self._step(key, row, document) for key, row, document in zip(keys, rows, after, strict=True)]
        try:
            self.client.transact_write_items(TransactItems=steps)
        except self.client.exceptions.TransactionCanceledException:
            return False
        return True

    def _step(self, key: Key, row: Row | None, document: Document | None) -> dict[str, Any]:
        condition: dict[str, Any] = {"TableName": self.name, "ConditionExpression": MISSING}
        if row:
            condition |= {"ConditionExpression": "version = :seen", "ExpressionAttributeValues": {":seen": {"N": str(row.version)}}}
        if document is None or (row and document == row.document):
            return {"ConditionCheck": {**condition, "Key": key.item()}}
        return {"Put": {**condition, "Item": _item(key, document, row.version + 1 if row else _any_version())}}

    def _check(self, key: Key, unless_status: str) -> dict[str, Any]:
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": key.item(),
                "ConditionExpression": "attribute_exists(pk) AND NOT #status = :status",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {":status": {"S": unless_status}},
            }
        }


def _item(key: Key, document: Document, version: int) -> dict[str, Any]:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    size = len(text.encode())
    if size > LARGEST_DOCUMENT:
        raise InvalidInput(Fault("body", f"makes {size:,} bytes to keep, {LARGEST_DOCUMENT:,} are possible"))
    item = key.item() | {"doc": {"S": text}, "version": {"N": str(version)}, "format": {"N": str(format_of(kind_of(key.partition)))}}
    if isinstance(document.get("status"), str):
        item["status"] = {"S": document["status"]}
    return item


def _any_version() -> int:
    """Of a document that takes the place of nothing, or of one that was not read: it never is the version that another has seen."""
    return secrets.randbelow(_VERSIONS)


def _row(item: Mapping[str, Any]) -> Row:
    partition = item["pk"]["S"]
    place = f"{partition} {item['sk']['S']!r}"
    try:
        document = json.loads(item["doc"]["S"])
    except ValueError as error:
        raise Unreadable(place, f"is damaged: {error}") from error
    number = int(item["format"]["N"]) if "format" in item else FIRST
    document = upgrade(kind_of(partition), number, document, place)
    return Row(partition, item["sk"]["S"], document, int(item["version"]["N"]))
