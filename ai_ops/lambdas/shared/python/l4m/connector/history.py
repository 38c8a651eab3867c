"""The historical crawl, one step a call: any step may be repeated, and nobody waits inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from l4m.connector.crawl import Crawl, history_fingerprint, live_fingerprint, timeline
from l4m.connector.crawl_state import CrawlState, History, Superseded
from l4m.connector.params import Params
from l4m.connector.query import END, Query
from l4m.databases.database import Database, Destination
from l4m.databases.files import token
from l4m.databases.statements import Phase, Statement, StatementTimedOut


@dataclass(frozen=True)
class Progress:
    """Whether history is crawled, how many rows it has, and what it was crawled from."""

    is_done: bool
    fingerprint: str
    rows: int | None = None


@dataclass(frozen=True)
class HistoryCrawl:
    """One upload's crawl: ``uploaded`` ends history when params.json does not."""

    crawl: Crawl
    query_text: str
    given: Mapping[str, Any]
    version: str
    uploaded: datetime
    limit_seconds: int

    @property
    def params(self) -> Params:
        """The upload's params."""
        return Params.from_dict(self.given)

    @property
    def fingerprint(self) -> str:
        """What this history depends on."""
        return history_fingerprint(self.params, self.query_text, self.crawl.target)

    def advance(self, now: datetime) -> Progress:
        """Do what is next: submit, look, cancel what another upload left running, or commit."""
        query = Query(self.query_text, {END}, self.crawl.kind(self.params), self.params.columns)
        state = self.crawl.store.load()
        if state.owner != self.version:
            raise Superseded(f"version {state.owner!r} of params.json was accepted after {self.version!r}")
        history = state.history
        if history and history.fingerprint == self.fingerprint and history.rows is not None:
            self._publish(state)
            return Progress(True, self.fingerprint, history.rows)
        database = self.crawl.database(self.params)
        if history is None:
            return self._start(state, query, database, now)
        return self._continue(state, history, query, database, now)

    def _start(self, state: CrawlState, query: Query, database: Database, now: datetime) -> Progress:
        end = timeline(self.params).floor(int((self.params.historical_end or self.uploaded).timestamp()))
        select = query.render(**{END: datetime.fromtimestamp(end, UTC)})
        folder = Destination(self.params.historical_path, self.params.role_arn, self.params.csv, True, self.crawl.target.kms_key_arn)
        sqls = database.export(select, folder)
        history = History(self.fingerprint, self.version, end, sqls, token(self.fingerprint, self.version), int(now.timestamp()))
        state = self.crawl.store.save(replace(state, history=history))
        return self._submit(state, history, database)

    def _submit(self, state: CrawlState, history: History, database: Database) -> Progress:
        statement = database.submit(history.sqls, f"{self.crawl.name}-history", history.token)
        self.crawl.store.save(replace(state, history=replace(history, statement=statement)))
        return Progress(False, self.fingerprint)

    def _continue(self, state: CrawlState, history: History, query: Query, database: Database, now: datetime) -> Progress:
        if history.rows is not None:
            return self._start(state, query, database, now)
        if history.fingerprint != self.fingerprint:
            return self._replace(state, history, query, database, now)
        if history.statement is None:
            return self._submit(state, history, database)  # killed before the id was kept: the token finds it again
        statement = database.look(history.statement)
        if statement.phase is Phase.RUNNING:
            return self._wait(history, database, now)
        if statement.phase is Phase.FINISHED:
            return self._commit(state, history, query, database)
        if history.version == self.version:
            raise statement.failure()
        return self._start(state, query, database, now)

    def _replace(self, state: CrawlState, history: History, query: Query, database: Database, now: datetime) -> Progress:
        """Start once the older crawl has ended: two exports must never write into one folder."""
        statement = _describe(history, database)
        if statement is None or statement.phase is not Phase.RUNNING:
            return self._start(state, query, database, now)
        database.cancel(statement.id)
        return Progress(False, self.fingerprint)

    def _wait(self, history: History, database: Database, now: datetime) -> Progress:
        if now.timestamp() - history.started <= self.limit_seconds:
            return Progress(False, self.fingerprint)
        database.cancel(str(history.statement))
        raise StatementTimedOut(f"statement {history.statement}: not finished after {self.limit_seconds} s; it was cancelled")

    def _commit(self, state: CrawlState, history: History, query: Query, database: Database) -> Progress:
        rows = database.rows(str(history.statement))
        if rows == 0:
            self.crawl.write_header(self.params.historical_path, query.columns, self.params)
        done = replace(state, history=replace(history, rows=rows))
        self._publish(replace(done, watermark=None))
        return Progress(True, self.fingerprint, rows)

    def _publish(self, state: CrawlState) -> None:
        """Hand the params over to the continuous crawl; a new layout or a new history begins at history's end."""
        assert state.history is not None
        watermark = state.watermark
        flights = state.flights
        before = live_fingerprint(Params.from_dict(state.params)) if state.params else None
        if watermark is None or before != live_fingerprint(self.params):
            watermark = timeline(self.params).floor(state.history.end)
            flights = tuple(flight for flight in flights if flight.rows is None)
        after = replace(state, params=self.given, watermark=watermark, flights=flights)
        if after != state:
            self.crawl.store.save(after)


def _describe(history: History, database: Database) -> Statement | None:
    """Look at a crawl's statement, found by its token if its id was not kept; None when there is none."""
    if history.statement is None:
        return database.find(history.sqls, history.token)
    return database.look(history.statement)
