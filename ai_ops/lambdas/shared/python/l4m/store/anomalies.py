"""Anomaly groups and incidents, each whole in the bucket; what an older run found never takes the place of what a newer one wrote.

Two runs may be at the same findings: a duplicate, a late one, one that was taken for dead. So each writes under a fencing token, which
is lost before anybody later begins to write, and each document in three steps: read it, ask the token, write on condition that it is
what was read. While the token holds in the middle, nobody later has written before; whoever does after it changes the document, the
condition fails, and at the next attempt the token too. No document ever becomes again what it was, which the condition could not tell:
each carries its token's number, and what turned out to be none stays as a mark of that. What cannot be read is written anew. Values are
never rewritten: a document names its own.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from l4m.errors import Conflict, Unreadable
from l4m.store.bucket import Bucket, Found
from l4m.store.formats import FIRST, format_of, upgrade

Document = dict[str, Any]
GROUP = "anomaly-group"
INCIDENT = "incident"
ATTEMPTS = 8  # at a document that others write too


class FencingToken(NamedTuple):
    """The right to write what was found: ``require`` raises Conflict once it is lost; nobody later has the same ``number``."""

    number: str
    require: Callable[[], None]


@dataclass(frozen=True)
class Anomalies:
    """Groups and incidents of one detector."""

    bucket: Bucket
    detector: str

    def put_group(self, token: FencingToken, group: Mapping[str, Any], values: bytes) -> None:
        """Keep a group whole, with its series' values as rows of float32."""
        name = f"{token.number}-{sha256(values).hexdigest()[:16]}"
        token.require()
        self.bucket.put(self._values_key(group["id"], name), values)
        key = self._group_key(group["id"])
        before = self._change(token, GROUP, key, lambda old: {**(old or {}), **group, "values": name}, is_new=True)
        self._delete_values(before, name)

    def group(self, identifier: str) -> Document | None:
        """A group as it was put, without the values; Unreadable when it is damaged or of a later version."""
        key = self._group_key(identifier)
        return _read(GROUP, key, self.bucket.find(key))

    def retract_group(self, token: FencingToken, identifier: str) -> None:
        """Forget a group that turned out to be none."""
        self._delete_values(self._change(token, GROUP, self._group_key(identifier), lambda _: _mark(identifier)))

    def group_values(self, group: Mapping[str, Any], first: int, count: int, length: int) -> list[list[float]]:
        """Values of ``count`` series of a group from the ``first`` on, ``length`` each."""
        if not count or not length:
            return [[] for _ in range(count)]
        row = 4 * length
        content = self.bucket.get_range(self._values_key(group["id"], group["values"]), first * row, count * row)
        flat = array("f", content)
        return [flat[number * length : (number + 1) * length].tolist() for number in range(count)]

    def put_incident(self, token: FencingToken, incident: Mapping[str, Any], groups: Mapping[str, float]) -> None:
        """Keep an incident as it now stands and add to its groups (score by index position)."""
        key = self._incident_key(incident["id"])
        self._change(token, INCIDENT, key, lambda old: {**(old or {}), **incident, "groups": {**(old or {}).get("groups", {}), **groups}})

    def incident(self, identifier: str) -> Document | None:
        """An incident with its groups; Unreadable when it is damaged or of a later version."""
        key = self._incident_key(identifier)
        return _read(INCIDENT, key, self.bucket.find(key))

    def drop_from_incident(self, token: FencingToken, identifier: str, position: str) -> None:
        """Take a group that turned out to be none out of its incident; an incident without groups is gone."""

        def drop(old: Document | None) -> Document | None:
            groups = {other: score for other, score in (old or {}).get("groups", {}).items() if other != position}
            if old is None or groups:
                return {**old, "groups": groups} if old else None
            return _mark(identifier)

        self._change(token, INCIDENT, self._incident_key(identifier), drop)

    def _change(
        self, token: FencingToken, kind: str, key: str, edit: Callable[[Document | None], Document | None], *, is_new: bool = False
    ) -> Document | None:
        """Write what ``edit`` makes of a document; returns what was there. One that probably is new is read only if it is not."""
        found = None if is_new else self.bucket.find(key)
        for _ in range(ATTEMPTS):
            before = _read_or_none(kind, key, found)
            after = edit(before)
            if after is None or after.items() <= (before or {}).items():
                return before
            token.require()
            written = {**after, "token": token.number, "format": format_of(kind)}
            if self.bucket.swap(key, json.dumps(written, separators=(",", ":")).encode(), found):
                return before
            found = self.bucket.find(key)
        raise Conflict(f"{key} is being changed by others; try again", "AnomalyDetector", self.detector)

    def _delete_values(self, before: Document | None, but: str = "") -> None:
        if before and before["values"] != but:
            self.bucket.delete([self._values_key(before["id"], before["values"])])

    def _group_key(self, identifier: str) -> str:
        return f"{self.detector}/group/{identifier}.json"

    def _values_key(self, identifier: str, name: str) -> str:
        return f"{self.detector}/group/{identifier}-{name}.f32"

    def _incident_key(self, identifier: str) -> str:
        return f"{self.detector}/incident/{identifier}.json"


def _mark(identifier: str) -> Document:
    return {"id": identifier, "is_retracted": True}


def _read(kind: str, key: str, found: Found | None) -> Document | None:
    """The document that an object holds, None when there is none, or it turned out to be none; Unreadable when nobody can tell."""
    if found is None:
        return None
    try:
        document = json.loads(found.content)
        number = document.get("format", FIRST)
    except (ValueError, AttributeError) as error:
        raise Unreadable(key, f"is damaged: {error}") from error
    return None if "is_retracted" in document else upgrade(kind, number, document, key)


def _read_or_none(kind: str, key: str, found: Found | None) -> Document | None:
    """The same, None also when it cannot be read."""
    try:
        return _read(kind, key, found)
    except Unreadable:
        return None
