"""Anomaly groups and incidents, each whole in the bucket."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from l4m.store.bucket import Bucket


@dataclass(frozen=True)
class Anomalies:
    """Groups and incidents of one detector."""

    bucket: Bucket
    detector: str

    def put_group(self, identifier: str, document: Mapping[str, Any], values: bytes) -> None:
        """Keep a group whole, with its series' values as rows of float32."""
        self.bucket.put(f"{self._group_key(identifier)}.f32", values)
        self.bucket.put(f"{self._group_key(identifier)}.json", json.dumps(document, separators=(",", ":")).encode())

    def group(self, identifier: str) -> dict[str, Any] | None:
        """A group as it was put, without the values."""
        content = self.bucket.get(f"{self._group_key(identifier)}.json")
        return json.loads(content) if content is not None else None

    def delete_group(self, identifier: str) -> None:
        """Forget a group that turned out to be none."""
        self.bucket.delete([f"{self._group_key(identifier)}.json", f"{self._group_key(identifier)}.f32"])

    def group_values(self, identifier: str, first: int, count: int, length: int) -> list[list[float]]:
        """Values of ``count`` series of a group from the ``first`` on, ``length`` each."""
        if not count or not length:
            return [[] for _ in range(count)]
        row = 4 * length
        content = self.bucket.get_range(f"{self._group_key(identifier)}.f32", first * row, count * row)
        flat = array("f", content)
        return [flat[number * length : (number + 1) * length].tolist() for number in range(count)]

    def put_incident(self, incident: Mapping[str, Any], groups: Mapping[str, float]) -> None:
        """Keep an incident as it now stands and add to its groups (score by index position)."""
        old = self.incident(incident["id"]) or {"groups": {}}
        self._write_incident({**incident, "groups": {**old["groups"], **groups}})

    def incident(self, identifier: str) -> dict[str, Any] | None:
        """An incident with its groups."""
        content = self.bucket.get(self._incident_key(identifier))
        return json.loads(content) if content is not None else None

    def drop_from_incident(self, identifier: str, position: str) -> None:
        """Take a group that turned out to be none out of its incident; an incident without groups is gone."""
        old = self.incident(identifier)
        if old is None:
            return
        old["groups"].pop(position, None)
        if old["groups"]:
            self._write_incident(old)
        else:
            self.bucket.delete([self._incident_key(identifier)])

    def _write_incident(self, incident: Mapping[str, Any]) -> None:
        self.bucket.put(self._incident_key(incident["id"]), json.dumps(incident, separators=(",", ":")).encode())

    def _group_key(self, identifier: str) -> str:
        return f"{self.detector}/group/{identifier}"

    def _incident_key(self, identifier: str) -> str:
        return f"{self.detector}/incident/{identifier}.json"
