"""The continuous crawl: every window since the watermark, each exactly once, whatever events come or get lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from l4m.connector.crawl import Crawl, live_fingerprint, timeline
from l4m.connector.crawl_state import CrawlState, Flight, StateChanged
from l4m.connector.params import Params
from l4m.connector.query import END, START, Query
from l4m.databases.database import Database, Destination
from l4m.databases.files import token
from l4m.databases.statements import Phase
from l4m.service.runs.timeline import Timeline
from l4m.sources.paths import render_path

ATTEMPTS = 8  # lost races against other runs before the event is given back to be retried


@dataclass(frozen=True)
class Report:
    """What one run did, and for which upload: windows by their begin.

    ``lag_seconds`` is how long the first open window had ended at the latest tick, 0 when it had not.
    """

    upload: str
    committed: dict[int, int]
    submitted: tuple[int, ...]
    failed: dict[int, str]
    watermark: int
    lag_seconds: int


@dataclass(frozen=True)
class LiveCrawl:
    """The crawl of one connector; at most ``limit`` windows are in flight."""

    crawl: Crawl
    query_text: str
    limit: int

    def advance(self, tick: datetime | None) -> Report | None:
        """Settle what has ended, submit what is due; a tick also moves the horizon. None before history is crawled."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._advance(tick)
            except StateChanged:
                continue
        return self._advance(tick)

    def _advance(self, tick: datetime | None) -> Report | None:
        state = self.crawl.store.load()
        if state.params is None or state.watermark is None:
            return None
        return _Run(self, state, Params.from_dict(state.params)).do(tick)


class _Run:
    def __init__(self, live: LiveCrawl, state: CrawlState, params: Params) -> None:
        self.live = live
        self.crawl = live.crawl
        self.state = state
        self.params = params
        self.query = Query(live.query_text, {START, END}, self.crawl.kind(params), params.columns)
        self.timeline: Timeline = timeline(params)
        self.epoch = state.history.token if state.history else ""
        self.fingerprint = f"{live_fingerprint(params)}-{self.epoch[:16]}"  # a new history brings every window again
        self.database: Database = self.crawl.database(params)
        self.committed: dict[int, int] = {}
        self.failed: dict[int, str] = {}

    def do(self, tick: datetime | None) -> Report:
        before = self.state
        horizon = max(self.state.horizon or 0, int(tick.timestamp()) if tick else 0)
        settled = [flight for flight in map(self._settle, self.state.flights) if flight]
        watermark, open_flights = _move(int(self.state.watermark or 0), settled, self.timeline)
        planned = self._plan(watermark, horizon, open_flights)
        self.state = replace(self.state, horizon=horizon, watermark=watermark, flights=planned)
        if self.state != before:
            self.state = self.crawl.store.save(self.state)
        submitted = self._submit(retry=tick is not None)
        if submitted and self.database.ends_at_once:
            watermark = self._close(watermark)
        return Report(self.state.owner, self.committed, submitted, self.failed, watermark, max(0, horizon - self.timeline.after(watermark)))

    def _close(self, watermark: int) -> int:
        """Commit what was just submitted, where no event will tell of it."""
        settled = [flight for flight in map(self._settle, self.state.flights) if flight]
        watermark, open_flights = _move(watermark, settled, self.timeline)
        self.state = self.crawl.store.save(replace(self.state, watermark=watermark, flights=tuple(open_flights)))
        return watermark

    def _settle(self, flight: Flight) -> Flight | None:
        if flight.rows is not None or flight.statement is None:
            return flight if flight.fingerprint == self.fingerprint else None
        statement = self.database.look(flight.statement)
        if statement.phase is Phase.RUNNING:
            return flight
        if flight.fingerprint != self.fingerprint:
            return None  # its layout is no longer wanted; the window is planned anew
        if statement.phase is not Phase.FINISHED:
            self.failed[flight.start] = str(statement.failure())
            return replace(flight, attempt=flight.attempt + 1, statement=None)
        rows = self.database.rows(flight.statement)
        if rows == 0:
            self.crawl.write_header(self._prefix(flight.start), self.query.columns, self.params)
        self.committed[flight.start] = rows
        return replace(flight, rows=rows)

    def _plan(self, watermark: int, horizon: int, flights: list[Flight]) -> tuple[Flight, ...]:
        known = {flight.start for flight in flights}
        waiting = sum(flight.rows is None for flight in flights)
        due = self.timeline.due(watermark, horizon, len(flights) + self.live.limit)
        fresh = [start for start in due if start not in known][: max(0, self.live.limit - waiting)]
        return (*flights, *(Flight(start, self.fingerprint) for start in fresh))

    def _submit(self, retry: bool) -> tuple[int, ...]:
        wanted = [flight for flight in self.state.flights if flight.statement is None and flight.rows is None]
        ready = [flight for flight in wanted if retry or flight.attempt == 0]
        step = 1 if self.database.ends_at_once else len(ready)  # what took its time is kept at once
        for first in range(0, len(ready), step or 1):
            started = {flight.start: self._start(flight) for flight in ready[first : first + step]}
            flights = tuple(replace(flight, statement=started.get(flight.start, flight.statement)) for flight in self.state.flights)
            self.state = self.crawl.store.save(replace(self.state, flights=flights))
        return tuple(flight.start for flight in ready)

    def _start(self, flight: Flight) -> str:
        window = {START: datetime.fromtimestamp(flight.start, UTC), END: datetime.fromtimestamp(self.timeline.after(flight.start), UTC)}
        destination = Destination(
            self._prefix(flight.start), self.params.role_arn, self.params.csv, kms_key_arn=self.crawl.target.kms_key_arn
        )
        sqls = self.database.export(self.query.render(**window), destination)
        name = f"{self.crawl.name}-{window[START]:%Y%m%dT%H%MZ}"
        return self.database.submit(sqls, name, token(sqls[0], flight.attempt, self.epoch), with_event=True)

    def _prefix(self, start: int) -> str:
        folder = render_path(self.params.templated_path, self.timeline.local(start))
        return f"{folder}{datetime.fromtimestamp(start, UTC):%Y%m%dT%H%MZ}_"


def _move(watermark: int, flights: Iterable[Flight], windows: Timeline) -> tuple[int, list[Flight]]:
    """Move the watermark over committed windows that touch it; keep the other windows."""
    left = {flight.start: flight for flight in flights}
    while watermark in left and left[watermark].rows is not None:
        del left[watermark]
        watermark = windows.after(watermark)
    return watermark, [flight for start, flight in sorted(left.items()) if start >= watermark]
