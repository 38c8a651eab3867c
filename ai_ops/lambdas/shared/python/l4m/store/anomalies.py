"""Anomaly groups and incidents: an index of groups by interval in the table, each group whole in the bucket."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from l4m.store.bucket import Bucket
from l4m.store.table import Key, Table

INDEX_INTERVALS = 256  # in a page of the index
TALLY_PAGES = 32  # of the index, counted in one document
_LATEST_PAGE = 10**8 - 1  # pages count down from here, so that the newest comes first
_NAMESPACE = UUID("6f0ad0f4-5d2a-5b43-9c0b-2a7f5d0f7d10")


def group_id(detector_arn: str, generation: int, measure: str, start: int) -> str:
    """The id of a measure's group in an interval; the same run repeated finds the same id."""
    return str(uuid5(_NAMESPACE, f"{detector_arn}|{generation}|{measure}|{start}"))


@dataclass(frozen=True)
class IndexEntry:
    """A group in the index."""

    start: int
    measure: str
    score: float

    @property
    def position(self) -> str:
        """Sorts like time, then measure."""
        return f"{self.start:012d}#{self.measure}"


@dataclass(frozen=True)
class Tally:
    """How many groups a page of the index has, by measure and whole score: small, so that all pages' can be read at once."""

    page: int
    by_measure: Mapping[str, Mapping[str, int]]

    def has(self, least: float) -> bool:
        """Whether there is a group of at least a score."""
        return any(int(score) >= least for scores in self.by_measure.values() for score in scores)

    def counts(self, least: float) -> Counter[str]:
        """Groups of at least a score, by measure; measures without any are left out."""
        counts = {name: sum(n for score, n in scores.items() if int(score) >= least) for name, scores in self.by_measure.items()}
        return Counter({name: count for name, count in counts.items() if count})


@dataclass(frozen=True)
class Anomalies:
    """Groups and incidents of one detector and generation."""

    table: Table
    bucket: Bucket
    detector: str
    generation: int
    interval_seconds: int

    def replace(self, starts: Collection[int], entries: Sequence[IndexEntry]) -> None:
        """Make ``entries`` all the groups of the intervals ``starts``."""
        for page in sorted({self._page(start) for start in starts}):
            key = self._index_key(page)
            row = self.table.get(key)
            stored: dict[str, float] = row.document if row else {}
            fresh = {position: score for position, score in stored.items() if int(position[:12]) not in starts}
            fresh |= {entry.position: entry.score for entry in entries if self._page(entry.start) == page}
            if fresh != stored:  # the tally goes first: a write cut short leaves a difference, so it is done again
                self._put_tally(Tally(page, _tally(fresh)))
                self.table.put(key, fresh)

    def entries_of(self, starts: Collection[int]) -> list[IndexEntry]:
        """The groups of some intervals."""
        rows = [self.table.get(self._index_key(page)) for page in sorted({self._page(start) for start in starts})]
        return [entry for row in rows if row for entry in _entries(row.document) if entry.start in starts]

    def entries(self, tallies: Sequence[Tally], least: float = 0, after: str | None = None) -> Iterator[IndexEntry]:
        """Groups of at least a score, newest first, those beyond the position ``after``; only pages that have any are read."""
        newest = self._page(int(after[:12])) if after is not None else _LATEST_PAGE
        for tally in tallies:
            if tally.page > newest or not tally.has(least):
                continue
            row = self.table.get(self._index_key(tally.page))
            for entry in reversed(_entries(row.document) if row else []):
                if entry.score >= least and (after is None or entry.position < after):
                    yield entry

    def tallies(self) -> list[Tally]:
        """How many groups each page has, newest first."""
        documents = [row.document for row in self.table.query(self._tally_pk)]
        return [Tally(page, stored[str(page)]) for stored in documents for page in sorted(map(int, stored), reverse=True)]

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
        self.table.put(Key(self._incident_pk, incident["id"]), {**incident, "groups": {**old["groups"], **groups}})

    def incident(self, identifier: str) -> dict[str, Any] | None:
        """An incident with its groups."""
        row = self.table.get(Key(self._incident_pk, identifier))
        return row.document if row else None

    def drop_from_incident(self, identifier: str, position: str) -> None:
        """Take a group that turned out to be none out of its incident; an incident without groups is gone."""
        old = self.incident(identifier)
        if old is None:
            return
        old["groups"].pop(position, None)
        key = Key(self._incident_pk, identifier)
        if old["groups"]:
            self.table.put(key, old)
        else:
            self.table.delete(key)

    def _page(self, start: int) -> int:
        return start // (INDEX_INTERVALS * self.interval_seconds)

    def _index_key(self, page: int) -> Key:
        return Key(self._index_pk, f"{_LATEST_PAGE - page:08d}")

    def _put_tally(self, tally: Tally) -> None:
        key = Key(self._tally_pk, f"{_LATEST_PAGE - tally.page // TALLY_PAGES:08d}")
        row = self.table.get(key)
        self.table.put(key, {**(row.document if row else {}), str(tally.page): tally.by_measure})

    @property
    def _tally_pk(self) -> str:
        return f"{self.detector}#tally#{self.generation:06d}"

    @property
    def _index_pk(self) -> str:
        return f"{self.detector}#group#{self.generation:06d}"

    @property
    def _incident_pk(self) -> str:
        return f"{self.detector}#incident#{self.generation:06d}"

    def _group_key(self, identifier: str) -> str:
        return f"{self.detector}/{self.generation:06d}/group/{identifier}"


def _entries(stored: Mapping[str, float]) -> list[IndexEntry]:
    return [IndexEntry(int(position[:12]), position[13:], score) for position, score in sorted(stored.items())]


def _tally(stored: Mapping[str, float]) -> dict[str, dict[str, int]]:
    tally: dict[str, dict[str, int]] = {}
    for entry in _entries(stored):
        scores = tally.setdefault(entry.measure, {})
        scores[str(int(entry.score))] = scores.get(str(int(entry.score)), 0) + 1
    return tally
