"""Facts of databases that are reached by a session, on real servers: each row once, nothing half, nothing written, nothing told."""

import gzip
import json
import threading
import time
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from tests.unit.connector.fakes import Clients
from tests.unit.databases.conftest import BUCKET, content
from tests.unit.memory_bucket import MemoryBucket

from l4m.connector.query import END, START, Query
from l4m.databases.database import Destination, Target
from l4m.databases.files import token
from l4m.databases.postgresql import PostgreSQL
from l4m.databases.secrets import Secret
from l4m.databases.session import Kind, Login
from l4m.databases.session_database import SessionDatabase, login_of, session_name
from l4m.databases.statements import Phase
from l4m.errors import AccessDenied, SourceUnavailable
from localaws.postgresql import PASSWORD, Server

WINDOW = "SELECT ts AS timestamp, views, platform FROM orders WHERE ts >= :window_start AND ts < :window_end ORDER BY ts"
HOUR = {START: datetime(2022, 1, 12, 5, tzinfo=UTC), END: datetime(2022, 1, 12, 6, tzinfo=UTC)}


def window(prefix: str = "live/0500/w_", **csv: Any) -> Destination:
    return Destination(f"s3://{BUCKET}/{prefix}", "arn:aws:iam::123456789012:role/r", csv)


def run(database: SessionDatabase, select: str, destination: Destination | None = None) -> Any:
    """Export a SELECT; the statement that came of it."""
    statements = database.export(select, destination or window())
    return database.look(database.submit(statements, "crawl", token(select)))


def test_a_window_holds_the_rows_from_its_begin_up_to_its_end(database: PostgreSQL, s3: MemoryBucket) -> None:
    statement = run(database, Query(WINDOW, {START, END}, PostgreSQL).render(**HOUR))
    assert (statement.phase, database.rows(statement.id)) == (Phase.FINISHED, 2)
    assert content(s3, "live/0500/w_000") == "timestamp,views,platform\n2022-01-12 05:00:00,1,web\n2022-01-12 05:30:00,1,web\n"


def test_instants_that_know_their_zone_meet_the_same_windows(database: PostgreSQL) -> None:
    statement = run(database, Query(WINDOW.replace("ts >=", "at >=").replace("ts <", "at <"), {START, END}, PostgreSQL).render(**HOUR))
    assert database.rows(statement.id) == 2


def test_an_empty_window_has_a_file_with_the_header(database: PostgreSQL, s3: MemoryBucket) -> None:
    statement = run(database, "SELECT views FROM orders WHERE false")
    assert (database.rows(statement.id), content(s3, "live/0500/w_000")) == (0, "views\n")


def test_quotes_unicode_nulls_and_decimals_come_as_csv_has_them(database: PostgreSQL, s3: MemoryBucket) -> None:
    run(database, """SELECT 'it''s "ü", 日本' AS a, NULL AS b, 0.10::decimal(9, 2) AS c, '' AS d, 1.5::float8 AS e""")
    assert content(s3, "live/0500/w_000") == 'a,b,c,d,e\n"it\'s ""ü"", 日本",,0.10,"",1.5\n'


def test_a_query_may_end_in_a_comment_or_a_limit(database: PostgreSQL) -> None:
    assert database.rows(run(database, "SELECT views FROM orders LIMIT 3 -- the first").id) == 3


def test_delimiter_and_compression_follow_the_format(database: PostgreSQL, s3: MemoryBucket) -> None:
    run(database, "SELECT 1 AS a, 2 AS b", window(Delimiter=";", FileCompression="GZIP"))
    body = s3.get_object(Bucket=BUCKET, Key="live/0500/w_000.gz")["Body"].read()
    assert gzip.decompress(body) == b"a;b\n1;2\n"


def test_a_history_takes_the_place_of_what_lay_in_its_folder(database: PostgreSQL, s3: MemoryBucket) -> None:
    for key in ("past/000.gz", "past/0001_part_00", "pastures/000"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"old")
    history = Destination(f"s3://{BUCKET}/past/", "arn:aws:iam::123456789012:role/r", {}, is_folder=True)
    run(database, "SELECT 1 AS a", history)
    left = s3.list_objects_v2(Bucket=BUCKET, Prefix="")["Contents"]
    assert [item["Key"] for item in left] == ["past/000", "pastures/000"]


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ("SELECT nothing FROM orders", 'column "nothing" does not exist'),
        ("SELECT views FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT 1 / (views - 1) FROM orders", "division by zero"),
        ("SELECT lo_create(0) AS a", "read-only transaction"),
    ],
)
def test_a_statement_that_fails_says_why_and_leaves_no_file(database: PostgreSQL, s3: MemoryBucket, select: str, reason: str) -> None:
    statement = run(database, select)
    assert statement.phase is Phase.FAILED
    assert reason in str(statement.failure())
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="")


def test_a_statement_that_takes_too_long_is_timed_out_by_the_server(database: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = partial(Login, seconds=1)
    monkeypatch.setattr("l4m.databases.session_database.Login", impatient)
    assert run(database, "SELECT pg_sleep(20)::text AS a").phase is Phase.TIMED_OUT


def test_another_function_finds_the_statement_at_work_and_can_cancel_it(database: PostgreSQL, s3: MemoryBucket) -> None:
    select = "SELECT pg_sleep(60)::text AS a"
    ended: list[str] = []

    def work() -> None:
        try:
            run(database, select)
        except SourceUnavailable as error:  # its state machine tries again, and finds that it was superseded
            ended.append(str(error))

    worker = threading.Thread(target=work)
    worker.start()
    statements = database.export(select, window())
    deadline = time.monotonic() + 20
    while (found := database.find(statements, token(select))) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found is not None
    assert found.phase is database.look(found.id).phase is Phase.RUNNING
    database.cancel(found.id)
    worker.join(30)
    assert len(ended) == 1
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="")


def test_what_is_not_at_work_is_not_found_and_cancelling_it_is_no_error(database: PostgreSQL) -> None:
    assert database.find(database.export("SELECT 1", window()), token("never")) is None
    database.cancel(run(database, "SELECT 1 AS a").id)


def test_a_password_that_was_rotated_since_is_read_again(database: PostgreSQL, clients: Clients, server: Server) -> None:
    server.run(f"ALTER USER {server.secret['username']} PASSWORD 'rotated'")
    try:
        with pytest.raises(AccessDenied, match="password authentication failed"):
            run(database, "SELECT 1 AS a")
        clients["secretsmanager"].create_secret("postgresql-l4mintegration", json.dumps(server.secret | {"password": "rotated"}))
        assert database.rows(run(database, "SELECT 1 AS a").id) == 1
    finally:
        login = {**server.secret, "password": "rotated"}
        with closing(PostgreSQL.session.open(login_of(Secret("arn", login), PostgreSQL.session))) as session:
            session.connection.execute_simple("COMMIT")  # type: ignore[attr-defined]
            session.connection.execute_simple(f"ALTER USER {login['username']} PASSWORD '{PASSWORD}'")  # type: ignore[attr-defined]


def test_no_password_shows_where_things_are_printed_or_fail(database: PostgreSQL, clients: Clients, server: Server) -> None:
    wrong = server.secret | {"password": "hush-hush"}
    clients["secretsmanager"].create_secret("postgresql-l4mintegration", json.dumps(wrong))
    with pytest.raises(AccessDenied) as refused:
        run(database, "SELECT 1 AS a")
    shown = f"{refused.value} {Secret('arn', wrong)!r} {login_of(Secret('arn', wrong), PostgreSQL.session)!r} {database!r}"
    assert "hush-hush" not in shown
    assert PASSWORD not in shown


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"port": 1}, "connection"), ({"host": "nowhere.invalid"}, "nowhere.invalid"), ({"sslmode": "verify-full"}, "SSL")],
)
def test_a_server_that_cannot_be_reached_may_be_tried_again(clients: Clients, server: Server, change: dict[str, Any], reason: str) -> None:
    given = server.secret | change
    clients["secretsmanager"].create_secret("postgresql-l4mintegration", json.dumps(given))
    database = PostgreSQL.open(clients, Secret("postgresql-l4mintegration", given), Target())
    with pytest.raises(SourceUnavailable, match=reason):
        run(database, "SELECT 1 AS a")


def test_a_secret_with_a_port_or_a_mode_that_is_none_is_refused() -> None:
    secret = Secret("arn", {"host": "h", "username": "u", "password": "p", "dbname": "d", "port": "http", "sslmode": "maybe"})
    assert [fault.message.split(",")[0] for fault in PostgreSQL.secret_faults(secret, Target())] == [
        "says 'http' for the port",
        "says for sslmode: 'maybe' is none of verify-full",
    ]


def test_any_number_of_rows_comes_in_bounded_memory_and_parts(
    database: PostgreSQL, s3: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = 1 << 20
    monkeypatch.setattr("l4m.databases.bucket_upload.PART_BYTES", part)
    sizes: list[int] = []

    def take(UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> dict[str, str]:
        sizes.append(len(Body))
        return {"ETag": str(PartNumber)}

    monkeypatch.setattr(s3, "upload_part", take)
    monkeypatch.setattr(s3, "complete_multipart_upload", lambda **_: None)
    tracemalloc.start()
    statement = run(database, "SELECT i, md5(i::text) AS text FROM generate_series(1, 200000) AS i")
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert database.rows(statement.id) == 200_000
    assert set(sizes[:-1]) == {part}
    assert len(sizes) > 3
    assert held < 6 * part


def test_the_kinds_of_columns_are_known_without_reading_rows(database: PostgreSQL) -> None:
    with closing(database._connect("l4m")) as session:
        found = session.columns("SELECT ts, at, ts::date AS day, views FROM orders -- all")
    assert found == {"ts": Kind.LOCAL, "at": Kind.INSTANT, "day": Kind.LOCAL, "views": Kind.OTHER}


def test_names_of_sessions_fit_the_database() -> None:
    assert len(session_name(token("x"))) <= 63
