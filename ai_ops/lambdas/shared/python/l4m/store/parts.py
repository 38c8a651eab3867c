"""What a learning in shards hands from step to step: its plan, the slices of every shard, and what each learned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.serialization import pack, unpack
from l4m.errors import Unreadable
from l4m.store.bucket import Bucket

ROOT = "_shards"  # no detector has such a name; what is left there expires
ENDING = ".json"


@dataclass(frozen=True)
class Plan:
    """How a detector is learned in shards; intervals are numbered from the first.

    ``leaves`` are in the order in which they appear, ``known`` of them before ``split``; ``owners`` are the shards they
    belong to. Shards learn up to ``split``, and keep values from ``kept_from`` on; from ``split`` on the joined monitor
    learns, and what it finds from ``scored`` on counts. ``history`` intervals come from the historical path, the others
    from the live one. ``observed`` intervals before ``split`` have data.
    """

    task: str
    start: int
    history: int
    slices: tuple[tuple[int, int], ...]
    split: int
    scored: int
    kept_from: int
    observed: int
    shards: int
    known: int
    leaves: tuple[tuple[str, ...], ...]
    owners: tuple[int, ...]

    @cached_property
    def columns(self) -> list[NDArray[np.int64]]:
        """The leaves of each shard, by number."""
        owners = np.array(self.owners, np.int64)
        return [np.flatnonzero(owners == number) for number in range(self.shards)]

    @property
    def intervals(self) -> int:
        """How many there are."""
        return self.slices[-1][1]

    def to_bytes(self) -> bytes:
        """The same plan always gives the same bytes."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Plan:
        """The plan that was written."""
        document = json.loads(content)
        slices = tuple(map(tuple, document["slices"]))
        leaves = tuple(map(tuple, document["leaves"]))
        return cls(**{**document, "slices": slices, "leaves": leaves, "owners": tuple(document["owners"])})


@dataclass(frozen=True)
class Parts:
    """The objects of one plan, all of which lie under ``prefix``."""

    bucket: Bucket
    prefix: str

    @classmethod
    def begin(cls, bucket: Bucket, owner: str, plan: Plan) -> Parts:
        """Keep a plan; another one for the same owner keeps out of its way."""
        content = plan.to_bytes()
        parts = cls(bucket, f"{ROOT}/{owner}/{sha256(content).hexdigest()[:16]}")
        bucket.put(parts.prefix + ENDING, content)
        return parts

    def plan(self) -> Plan:
        """The plan, which is there as long as the learning goes on."""
        content = self._get(self.prefix + ENDING)
        if not self.prefix.endswith(f"/{sha256(content).hexdigest()[:16]}"):
            raise Unreadable(self.prefix + ENDING, "is damaged: its content is not what its name says")
        return Plan.from_bytes(content)

    def save_slice(self, number: int, shard: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep what a shard has of a slice."""
        self.bucket.put(self._slice_key(number, shard), pack(arrays))

    def load_slice(self, number: int, shard: int) -> dict[str, NDArray[Any]]:
        """What a shard has of a slice."""
        return unpack(self._get(self._slice_key(number, shard)))

    def save_learned(self, shard: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep what a shard learned."""
        self.bucket.put(self._learned_key(shard), pack(arrays))

    def load_learned(self, shard: int) -> dict[str, NDArray[Any]]:
        """What a shard learned."""
        return unpack(self._get(self._learned_key(shard)))

    def purge(self) -> None:
        """Delete the plan and all that came of it."""
        self.bucket.purge(self.prefix)

    def _get(self, key: str) -> bytes:
        content = self.bucket.get(key)
        if content is None:
            raise Unreadable(key, "is gone from the bucket")
        return content

    def _slice_key(self, number: int, shard: int) -> str:
        return f"{self.prefix}/slice/{number:06d}/{shard:04d}.arrays"

    def _learned_key(self, shard: int) -> str:
        return f"{self.prefix}/learned/{shard:04d}.arrays"
