"""Anomaly groups and incidents: an index of groups by interval and measure in the table, each group and incident whole in the bucket.

An item of the table takes 400 KB, so every document is bounded by itself: one measure in a page of the index is at most
256 entries, in a tally 32 pages of 101 scores, however many measures there are and however long their names.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from l4m.store.bucket import Bucket
from l4m.store.table import Documents, Key, Row, Table

INDEX_INTERVALS = 256  # in a page of the index
MOST_SCORE = 100
TALLY_PAGES = 32  # of the index, counted in one document
SINCE = "since"  # the key, beside the tallies, of the interval from which on groups are looked for
_LATEST_PAGE = 10**8 - 1  # pages count down from here, so that the newest comes first
Scores = dict[str, float]
_NAMESPACE = UUID("6f0ad0f4-5d2a-5b43-9c0b-2a7f5d0f7d10")


def group_id(detector_arn: str, interval_seconds: int, measure: str, start: int) -> str:
    """The id of a measure's group in an interval; whoever looks at that interval again finds the same id."""
    return str(uuid5(_NAMESPACE, f"{detector_arn}|{interval_seconds}|{measure}|{start}"))


class IndexEntry(NamedTuple):
    """A group in the index; groups are in the order of their positions."""

    start: int
    measure: str
    score: float

    @property
    def position(self) -> str:
        """Sorts like time, then measure."""
        return f"{self.start:012d}#{self.measure}"


@dataclass(frozen=True)
class Tally:
    """How many groups of at least a score a page of the index has, by measure."""

    page: int
    counts: Counter[str]


@dataclass(frozen=True)
class Census:
    """All groups of at least a score, counted: pages newest first, and ``since`` when there are judgements, None before the first."""

    since: int | None
    tallies: tuple[Tally, ...]

    @property
    def by_measure(self) -> Counter[str]:
        """How many groups each measure has."""
        return sum((tally.counts for tally in self.tallies), Counter[str]())


@dataclass(frozen=True)
class Anomalies:
    """Groups and incidents that one detector found at one length of its intervals, however often it learned anew."""

    table: Table
    bucket: Bucket
    detector: str
    interval_seconds: int

    def begin(self, start: int) -> None:
        """Note from which interval on groups are looked for; the earliest counts."""

        def edit(found: Documents) -> Documents:
            known = found[0]
            return ({"start": start if known is None else min(start, known["start"])},)

        self.table.change_together((self._since_key,), edit)

    def replace(self, starts: Collection[int], entries: Sequence[IndexEntry]) -> None:
        """Make ``entries`` all the groups of the intervals ``starts``, whoever changes other intervals meanwhile."""
        replaced = {f"{start:012d}" for start in starts}
        for page in sorted({self._page(start) for start in starts}):
            fresh: dict[str, Scores] = {}
            for entry in entries:
                if self._page(entry.start) == page:
                    fresh.setdefault(entry.measure, {})[f"{entry.start:012d}"] = entry.score
            stored = {measure for measure, scores in self._read_page(page).items() if scores.keys() & replaced}
            for measure in sorted(stored | fresh.keys()):
                self._replace_scores(page, measure, replaced, fresh.get(measure, {}))

    def entries_of(self, starts: Collection[int]) -> list[IndexEntry]:
        """The groups of some intervals."""
        pages = sorted({self._page(start) for start in starts})
        rows = (row for page in pages for row in self.table.query(self._index_pk, f"{_down(page)}#"))
        return sorted(entry for row in rows for entry in _entries(row) if entry.start in starts)

    def count(self, least: float = 0) -> Census:
        """All groups of at least a score, counted."""
        since, pages, wanted = None, dict[int, Counter[str]](), {str(score) for score in range(MOST_SCORE + 1) if score >= least}
        for row in self.table.query(self._tally_pk):
            if row.sort == SINCE:
                since = row.document["start"]
                continue
            for page, scores in row.document.items():
                if number := sum(scores[score] for score in scores.keys() & wanted):
                    pages.setdefault(int(page), Counter())[row.sort.partition("#")[2]] = number
        return Census(since, tuple(Tally(page, pages[page]) for page in sorted(pages, reverse=True)))

    def entries(self, census: Census, most: int, least: float = 0, after: str | None = None) -> list[IndexEntry]:
        """Up to ``most`` of the groups that were counted, newest first, beyond the position ``after``; reads only pages that have any."""
        newest = self._page(int(after[:12])) if after is not None else _LATEST_PAGE
        left = deque(tally for tally in census.tallies if tally.page <= newest)
        found: list[IndexEntry] = []
        while left and len(found) < most:
            keys, promised = [], 0
            while left and promised < most - len(found):
                tally = left.popleft()
                keys += [self._index_key(tally.page, measure) for measure in tally.counts]
                promised += tally.counts.total() if tally.page < newest else 0
            read = (entry for row in self.table.get_many(keys) for entry in _entries(row) if entry.score >= least)
            found += sorted((entry for entry in read if after is None or entry.position < after), reverse=True)
        return found[:most]

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

    def _page(self, start: int) -> int:
        return start // (INDEX_INTERVALS * self.interval_seconds)

    def _read_page(self, page: int) -> dict[str, Scores]:
        """The page's scores by begin of the interval, by measure."""
        return {row.sort.partition("#")[2]: row.document for row in self.table.query(self._index_pk, f"{_down(page)}#")}

    def _replace_scores(self, page: int, measure: str, replaced: Collection[str], fresh: Scores) -> None:
        """Change a measure's page and its count, both together or neither."""

        def edit(found: Documents) -> Documents:
            counts, scores = found[0] or {}, found[1] or {}
            kept = {start: score for start, score in scores.items() if start not in replaced}
            after = dict(sorted({**kept, **fresh}.items()))
            return {**counts, str(page): dict(Counter(str(int(score)) for score in after.values()))}, after

        tally = Key(self._tally_pk, f"{_down(page // TALLY_PAGES)}#{measure}")
        self.table.change_together((tally, self._index_key(page, measure)), edit)

    def _index_key(self, page: int, measure: str) -> Key:
        return Key(self._index_pk, f"{_down(page)}#{measure}")

    @property
    def _since_key(self) -> Key:
        return Key(self._tally_pk, SINCE)

    @property
    def _tally_pk(self) -> str:
        return f"{self.detector}#tally#{self.interval_seconds:06d}"

    @property
    def _index_pk(self) -> str:
        return f"{self.detector}#group#{self.interval_seconds:06d}"

    def _group_key(self, identifier: str) -> str:
        return f"{self.detector}/group/{self.interval_seconds:06d}/{identifier}"

    def _incident_key(self, identifier: str) -> str:
        return f"{self.detector}/incident/{self.interval_seconds:06d}/{identifier}.json"


def _entries(row: Row) -> Iterator[IndexEntry]:
    """The groups in a document of the index."""
    measure = row.sort.partition("#")[2]
    return (IndexEntry(int(start), measure, score) for start, score in row.document.items())


def _down(page: int) -> str:
    """A text that sorts newest first."""
    return f"{_LATEST_PAGE - page:08d}"
