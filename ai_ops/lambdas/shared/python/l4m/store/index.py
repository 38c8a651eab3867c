"""The index of anomaly groups in the table: the score of each by interval and measure, and how many there are of each score.

An item of the table takes 400 KB, so every document is bounded by itself: one measure in a page of the index is at most
256 entries, in a tally 32 pages of 101 scores, however many measures there are and however long their names.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple
from uuid import UUID, uuid5

from l4m.store.table import Documents, Key, Row, Table

INDEX_INTERVALS = 256  # in a page of the index
MOST_SCORE = 100
TALLY_PAGES = 32  # of the index, counted in one document
SINCE = "since"  # the key, beside the tallies, of the interval from which on groups are looked for
_LATEST_PAGE = 10**8 - 1  # pages count down from here, so that the newest comes first
Scores = dict[str, float]
_NAMESPACE = UUID("6f0ad0f4-5d2a-5b43-9c0b-2a7f5d0f7d10")


class IndexPage(NamedTuple):
    """Consecutive intervals of one length, which are kept together."""

    interval_seconds: int
    number: int

    @classmethod
    def of(cls, interval_seconds: int, start: int) -> IndexPage:
        """The page that holds an interval."""
        return cls(interval_seconds, start // (INDEX_INTERVALS * interval_seconds))

    def sort(self, pages: int, measure: str = "") -> str:
        """Where a measure's document of so many pages lies; sorts newest first."""
        return f"{self.interval_seconds:06d}#{_LATEST_PAGE - self.number // pages:08d}#{measure}"


class IndexEntry(NamedTuple):
    """A group in the index; groups are in the order of their positions."""

    start: int
    interval_seconds: int
    measure: str
    score: float

    @property
    def position(self) -> str:
        """Sorts like time, then length of the interval, then measure.

        >>> IndexEntry(1767225600, 3600, "views", 71.5).position
        '001767225600#003600#views'
        """
        return f"{self.start:012d}#{self.interval_seconds:06d}#{self.measure}"

    @classmethod
    def at(cls, position: str, score: float) -> IndexEntry:
        """The entry of a position."""
        start, seconds, measure = position.split("#")
        return cls(int(start), int(seconds), measure, score)

    @property
    def page(self) -> IndexPage:
        """Where it is kept."""
        return IndexPage.of(self.interval_seconds, self.start)

    def group_id(self, detector_arn: str) -> str:
        """The group's id; whoever looks at that interval again finds the same id."""
        return str(uuid5(_NAMESPACE, f"{detector_arn}|{self.interval_seconds}|{self.measure}|{self.start}"))


@dataclass(frozen=True)
class Tally:
    """How many groups of at least a score a page of the index has, by measure."""

    page: IndexPage
    counts: Counter[str]


@dataclass(frozen=True)
class Census:
    """All groups of at least a score, counted, the newest page of a length of intervals first; ``since`` is None before judging began."""

    since: int | None
    tallies: tuple[Tally, ...]

    @property
    def by_measure(self) -> Counter[str]:
        """How many groups each measure has."""
        return sum((tally.counts for tally in self.tallies), Counter[str]())


@dataclass(frozen=True)
class Index:
    """All groups that one detector ever found, whatever the length of its intervals was."""

    table: Table
    detector: str

    def begin(self, start: int) -> None:
        """Note from which interval on groups are looked for; the earliest counts."""

        def edit(found: Documents) -> Documents:
            known = found[0]
            return ({"start": start if known is None else min(start, known["start"])},)

        self.table.change_together((Key(self._tally_pk, SINCE),), edit)

    def replace(
        self, interval_seconds: int, starts: Collection[int], entries: Sequence[IndexEntry], require: Callable[[], None] = lambda: None
    ) -> None:
        """Make ``entries`` all the groups of the intervals ``starts``, whoever changes other intervals meanwhile.

        ``require`` is asked between the reading and the conditional writing of each page, and may raise.
        """
        replaced = {f"{start:012d}" for start in starts}
        for page in sorted({IndexPage.of(interval_seconds, start) for start in starts}):
            fresh: dict[str, Scores] = {}
            for entry in entries:
                if entry.page == page:
                    fresh.setdefault(entry.measure, {})[f"{entry.start:012d}"] = entry.score
            rows = self.table.query(self._index_pk, page.sort(1))
            stored = {_measure(row) for row in rows if row.document.keys() & replaced}
            for measure in sorted(stored | fresh.keys()):
                self._replace_scores(page, measure, replaced, fresh.get(measure, {}), require)

    def count(self, least: float = 0) -> Census:
        """All groups of at least a score, counted."""
        since = None
        pages = dict[IndexPage, Counter[str]]()
        wanted = {str(score) for score in range(MOST_SCORE + 1) if score >= least}
        for row in self.table.query(self._tally_pk):
            if row.sort == SINCE:
                since = row.document["start"]
                continue
            for number, scores in row.document.items():
                if counted := sum(scores[score] for score in scores.keys() & wanted):
                    page = IndexPage(int(row.sort.partition("#")[0]), int(number))
                    pages.setdefault(page, Counter())[_measure(row)] = counted
        return Census(since, tuple(Tally(page, pages[page]) for page in sorted(pages, reverse=True)))

    def entries(self, census: Census, most: int, least: float = 0, after: str | None = None) -> list[IndexEntry]:
        """Up to ``most`` of the groups that were counted, newest first, beyond the position ``after``; reads only pages that have any."""
        found: list[IndexEntry] = []
        for _, tallies in groupby(census.tallies, lambda tally: tally.page.interval_seconds):
            found += self._newest(deque(tallies), most, least, after)
        return sorted(found, reverse=True)[:most]

    def between(self, first: int, end: int) -> list[IndexEntry]:
        """The groups that begin from ``first`` up to, not including, ``end``."""

        def is_near(page: IndexPage) -> bool:
            return IndexPage.of(page.interval_seconds, first) <= page <= IndexPage.of(page.interval_seconds, end)

        near = [tally for tally in self.count().tallies if is_near(tally.page)]
        return sorted(entry for entry in self._read(near) if first <= entry.start < end)

    def _newest(self, left: deque[Tally], most: int, least: float, after: str | None) -> list[IndexEntry]:
        """Entries of one length of intervals, whose pages do not overlap."""
        newest = IndexPage.of(left[0].page.interval_seconds, int(after[:12])) if after is not None else None
        found: list[IndexEntry] = []
        while left and len(found) < most:
            asked = list[Tally]()
            promised = 0
            while left and promised < most - len(found):
                tally = left.popleft()
                if newest is None or tally.page <= newest:
                    asked.append(tally)
                    promised += tally.counts.total() if tally.page != newest else 0
            read = (entry for entry in self._read(asked) if entry.score >= least and (after is None or entry.position < after))
            found += sorted(read, reverse=True)
        return found

    def _read(self, tallies: Sequence[Tally]) -> Iterator[IndexEntry]:
        """All groups of the pages and measures that were counted."""
        keys = [Key(self._index_pk, tally.page.sort(1, measure)) for tally in tallies for measure in tally.counts]
        return (entry for row in self.table.get_many(keys) for entry in _entries(row))

    def _replace_scores(self, page: IndexPage, measure: str, replaced: Collection[str], fresh: Scores, require: Callable[[], None]) -> None:
        """Change a measure's page and its count, both together or neither."""

        def edit(found: Documents) -> Documents:
            require()
            counts = found[0] or {}
            scores = found[1] or {}
            kept = {start: score for start, score in scores.items() if start not in replaced}
            after = dict(sorted({**kept, **fresh}.items()))
            return {**counts, str(page.number): dict(Counter(str(int(score)) for score in after.values()))}, after

        keys = Key(self._tally_pk, page.sort(TALLY_PAGES, measure)), Key(self._index_pk, page.sort(1, measure))
        self.table.change_together(keys, edit)

    @property
    def _tally_pk(self) -> str:
        return f"{self.detector}#tally"

    @property
    def _index_pk(self) -> str:
        return f"{self.detector}#group"


def _entries(row: Row) -> Iterator[IndexEntry]:
    """The groups in a document of the index."""
    seconds = int(row.sort.partition("#")[0])
    measure = _measure(row)
    return (IndexEntry(int(start), seconds, measure, score) for start, score in row.document.items())


def _measure(row: Row) -> str:
    return row.sort.rpartition("#")[2]
