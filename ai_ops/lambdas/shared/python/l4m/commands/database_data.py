"""Data that lie in a database: aggregated there, and brought here as one file of a row for each interval and series."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import gcd
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

import duckdb

from l4m.databases.grouping import COUNT, Grouping, group_rows
from l4m.databases.session import Kind, Login, Session
from l4m.databases.sessions import SESSIONS
from l4m.errors import Fault, InvalidInput
from l4m.model import Aggregation, CsvFormat, TimestampColumn
from l4m.sources.tables.intervals import DAY, Clock
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import ISO

PASSWORD = "PGPASSWORD"  # noqa: S105 - the variable that holds one
HOUR = 3_600
OPTIONS = {"sslmode", "sslrootcert"}


@dataclass(frozen=True)
class Fetched:
    """What came of a database: a file, how it is read, and how many rows stand for how many of the database."""

    path: Path
    spec: TableSpec
    groups: int
    rows: int


@dataclass(frozen=True)
class DatabaseData:
    """A database and the query whose rows are meant."""

    session: type[Session]
    login: Login
    query: Path

    def fetch(self, spec: TableSpec, now: datetime, folder: Path, progress: Callable[[int], None]) -> Fetched:
        """Aggregate there, and bring what came of it here; the interval that is not over yet is left out."""
        select = self.query.read_text(encoding="utf-8").strip().rstrip(";")
        target = folder / "aggregated.csv"
        with closing(self.session.open(self.login)) as session, target.open("wb") as out:
            done = 0

            def write(data: bytes) -> None:
                nonlocal done
                done += data.count(b"\n")
                out.write(data)
                progress(done)

            groups = session.copy(group_rows(select, _grouping(session, select, spec, now), session), ",", write)
        with duckdb.connect() as counting:
            total = counting.execute(
                f"SELECT sum({COUNT}) FROM read_csv(?, header = true, types = {{{COUNT!r}: 'BIGINT'}})", [str(target)]
            ).fetchone()
        read = replace(spec, timestamp=TimestampColumn(spec.timestamp.name, ISO), format=CsvFormat())
        return Fetched(target, read, groups, int(total[0] or 0) if total else 0)


def is_database(data: str) -> bool:
    """Whether an argument names a database rather than files.

    >>> is_database("postgresql://me@localhost/shop"), is_database("C:/shop.csv"), is_database("shop.csv")
    (True, False, False)
    """
    return "://" in data


def parse_database(data: tuple[str, ...], query: Path | None, seconds: int) -> DatabaseData:
    """The database that a URL names; raises InvalidInput with everything that is wrong with it.

    A password in a URL is refused: it would stand in the shell's history and in the list of processes.
    """
    url = urlsplit(data[0])
    faults = [Fault(_shown(url), message) for message in _url_faults(url)]
    if len(data) > 1:
        faults.append(Fault("data", "one database at a time"))
    if query is None:
        faults.append(Fault("--query", "is required for a database: a file with one SELECT"))
    if faults or query is None:
        raise InvalidInput(*faults)
    session = SESSIONS[url.scheme]
    options = dict(parse_qsl(url.query))
    authorities = options.get("sslrootcert")
    login = Login(
        host=url.hostname or "localhost",
        port=url.port or session.default_port,
        user=unquote(url.username or ""),
        database=unquote(url.path.strip("/")),
        password=os.environ.get(PASSWORD),
        tls=options.get("sslmode", "verify-full"),
        authorities=Path(authorities).read_text(encoding="utf-8") if authorities else None,
        seconds=seconds,
    )
    return DatabaseData(session, login, query)


def _url_faults(url: SplitResult) -> list[str]:
    options = dict(parse_qsl(url.query))
    checks = [
        (url.scheme not in SESSIONS, f"{url.scheme} is not known; {', '.join(SESSIONS)} are"),
        (url.password is not None, f"a password in a URL is seen by others; export {PASSWORD} instead"),
        (not url.username, "names no user, as in postgresql://USER@HOST/DATABASE"),
        (not url.path.strip("/"), "names no database, as in postgresql://USER@HOST/DATABASE"),
        (bool(options.keys() - OPTIONS), f"takes the options {', '.join(sorted(OPTIONS))} only"),
        ("sslrootcert" in options and not Path(options.get("sslrootcert", "")).is_file(), "sslrootcert is no file"),
    ]
    return [message for is_wrong, message in checks if is_wrong]


def _shown(url: SplitResult) -> str:
    """The URL without what may be a password."""
    return f"{url.scheme}://{url.username or ''}@{url.hostname or ''}{url.path}"


def _grouping(session: Session, select: str, spec: TableSpec, now: datetime) -> Grouping:
    kind = session.columns(select).get(spec.timestamp.name, Kind.OTHER)
    seconds = _step(spec, kind)
    if seconds != spec.interval_seconds and any(one.aggregation is Aggregation.AVG for one in spec.measures):
        message = "averages of such intervals cannot be made of what the database groups; sum, use PT1H or P1D, or times with a zone"
        raise InvalidInput(Fault("--measures", message))
    clock = Clock(spec.interval_seconds, spec.timezone)
    begun = clock.start(clock.number(int(now.timestamp())))
    phase = clock.start(0) if spec.interval_seconds < DAY else 0
    return Grouping(spec.timestamp.name, spec.measures, spec.dimensions, seconds, spec.timezone, phase, _literal(begun, kind, clock))


def _step(spec: TableSpec, kind: Kind) -> int:
    """Seconds by which the database groups: the interval's, or as many of its parts as come out the same on every clock.

    Weeks and months are made of days once they are here; intervals of several hours on a wall clock that is put forward and
    back are made of hours.
    """
    seconds = min(spec.interval_seconds, DAY)
    return gcd(seconds, HOUR) if kind is Kind.LOCAL and spec.timezone != "UTC" and seconds < DAY else seconds


def _literal(moment: int, kind: Kind, clock: Clock) -> str | None:
    """Where the interval begins that is not over yet, as a column of that kind has it; texts are not compared."""
    if kind is Kind.OTHER:
        return None
    zone = UTC if kind is Kind.INSTANT else ZoneInfo(clock.timezone)
    return f"TIMESTAMP '{datetime.fromtimestamp(moment, zone):%Y-%m-%d %H:%M:%S}'"
