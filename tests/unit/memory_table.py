"""The calls of DynamoDB that ``l4m.store.table`` makes, over a dict; the same tests as on moto say that they mean the same."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
CONDITIONS = {
    None: lambda item, values: True,
    "attribute_not_exists(pk)": lambda item, values: item is None,
    "version = :seen": lambda item, values: item is not None and item["version"] == values[":seen"],
    "attribute_exists(pk) AND NOT #status = :status": lambda item, values: item is not None and item.get("status") != values[":status"],
}


class ConditionalCheckFailedException(Exception):
    """The condition of a write does not hold."""


class TransactionCanceledException(Exception):
    """A condition of a transaction does not hold; nothing was written."""

    def __init__(self, codes: list[str]) -> None:
        self.response = {"CancellationReasons": [{"Code": code} for code in codes]}


class Exceptions:
    """The errors as a client of boto3 has them."""

    ConditionalCheckFailedException = ConditionalCheckFailedException
    TransactionCanceledException = TransactionCanceledException


class MemoryTable:
    """Stands where a client of DynamoDB is; whatever the table's name, there is one."""

    exceptions = Exceptions()

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Item] = {}

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:
        found = self._items.get(_place(Key))
        return {"Item": found} if found else {}

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: [self._items.get(_place(key)) for key in asked["Keys"]] for name, asked in RequestItems.items()}
        return {"Responses": {name: [item for item in items if item] for name, items in found.items()}, "UnprocessedKeys": {}}

    def put_item(self, TableName: str, Item: Item, **condition: Any) -> None:
        if not self._holds(Item, **condition):
            raise ConditionalCheckFailedException
        self._items[_place(Item)] = Item

    def delete_item(self, TableName: str, Key: Item, ReturnValues: str) -> dict[str, Any]:
        return {"Attributes": self._items.pop(_place(Key), None)}

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> None:
        steps = [(kind, {**step}) for one in TransactItems for kind, step in one.items()]
        for _, step in steps:
            del step["TableName"]
        items = [step.pop("Item") if kind == "Put" else step.pop("Key") for kind, step in steps]
        holding = [self._holds(item, **step) for item, (_, step) in zip(items, steps, strict=True)]
        if not all(holding):
            raise TransactionCanceledException(["None" if holds else "ConditionalCheckFailed" for holds in holding])
        self._items |= {_place(item): item for item, (kind, _) in zip(items, steps, strict=True) if kind == "Put"}

    def query(self, ExpressionAttributeValues: Item, ExclusiveStartKey: Item | None = None, **_: Any) -> dict[str, Any]:
        partition = ExpressionAttributeValues[":pk"]["S"]
        prefix = ExpressionAttributeValues.get(":prefix", {"S": ""})["S"]
        after = _place(ExclusiveStartKey) if ExclusiveStartKey else (partition, "")
        places = sorted(place for place in self._items if place[0] == partition and place[1].startswith(prefix) and place > after)
        return {"Items": [self._items[place] for place in places]}

    def scan(self, TableName: str) -> dict[str, Any]:
        return {"Items": list(self._items.values())}

    def _holds(self, item: Item, ConditionExpression: str | None = None, ExpressionAttributeValues: Item | None = None, **_: Any) -> bool:
        return bool(CONDITIONS[ConditionExpression](self._items.get(_place(item)), ExpressionAttributeValues))


def _place(key: Mapping[str, Any]) -> tuple[str, str]:
    partition, sort = key["pk"]["S"], key["sk"]["S"]
    if not (0 < len(partition.encode()) <= 2048 and 0 < len(sort.encode()) <= 1024):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "no key"}}, "DynamoDB")
    return partition, sort
