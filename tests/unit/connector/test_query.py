"""query.sql: what is taken, what is refused, and that nothing a user writes can leave its quotes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given as examples
from hypothesis import strategies as st

from l4m.connector.query import END, START, InvalidQuery, Query
from l4m.databases.database import Destination
from l4m.databases.files import header_file, token
from l4m.databases.redshift import Redshift

WINDOW = {START: datetime(2013, 2, 6, 5, tzinfo=UTC), END: datetime(2013, 2, 6, 6, tzinfo=UTC)}
BOUNDED = "from t where ts >= :window_start and ts < :window_end"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("delete from t", "exactly one SELECT"),
        ("select 1 as a; drop table t", "exactly one SELECT"),
        ("", "exactly one SELECT"),
        ("selec a", "cannot be parsed|exactly one"),
        ("select a from t where ts < :window_end", "does not use :window_start"),
        (f"select a {BOUNDED} and x = :other", "unknown placeholder :other"),
        (f"select * {BOUNDED}", "name the columns"),
        (f"select t.* {BOUNDED}", "name the columns"),
        (f"select a {BOUNDED} limit 5", "LIMIT"),
        (f"select top 5 a {BOUNDED}", "TOP"),
        (f"select a into other {BOUNDED}", "INTO"),
        (f"select a, b as a {BOUNDED}", "more than once"),
    ],
)
def test_a_query_that_cannot_be_unloaded_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidQuery, match=reason):
        Query(text, {START, END}, Redshift)


def test_a_column_of_params_that_the_query_lacks_is_named() -> None:
    with pytest.raises(InvalidQuery) as refused:
        Query(f"select ts as timestamp, views {BOUNDED}", {START, END}, Redshift, ["timestamp", "views", "revenue", "Platform"])
    assert [fault.message.split("'")[1] for fault in refused.value.faults] == ["revenue", "Platform"]


def test_windows_become_typed_literals_in_utc_and_the_rest_stays_as_written() -> None:
    text = "select ts::date as d, 'it''s :window_start' as x -- :window_end\n" + BOUNDED + ";"
    rendered = Query(text, {START, END}, Redshift).render(**WINDOW)
    assert rendered == (
        "select ts::date as d, 'it''s :window_start' as x -- :window_end\n"
        "from t where ts >= TIMESTAMP '2013-02-06 05:00:00' and ts < TIMESTAMP '2013-02-06 06:00:00'"
    )


def test_unions_and_common_table_expressions_are_selects_too() -> None:
    text = f"with x as (select a {BOUNDED}) select a from x union all select 2 as a"
    assert Query(text, {START, END}, Redshift).columns == ("a",)


@pytest.mark.parametrize("folder", ["redshift-historical-crawl", "redshift-continuous-crawl"])
def test_the_shipped_queries_deliver_the_columns_of_the_shipped_params(root: Path, folder: str) -> None:
    text = (root / "ai_ops/lambdas/redshift" / folder / "query.sql").read_text(encoding="utf-8")
    windows = {END} if "historical" in folder else {START, END}
    assert Query(text, windows, Redshift, ["timestamp", "views", "revenue", "platform", "marketplace"]).columns


@examples(st.text(max_size=60).filter(lambda text: "\0" not in text))
def test_whatever_stands_in_a_query_or_a_path_stays_inside_the_quotes_of_the_unload(text: str) -> None:
    sql = Redshift.export(text, Destination(f"s3://b/{text}/", "arn:aws:iam::1:role/r", {}))[0]
    tokens = sqlglot.tokenize(sql.replace("UNLOAD", "SELECT", 1), dialect="redshift")  # the tokenizer takes UNLOAD whole
    strings = [found.text for found in tokens if found.token_type is sqlglot.TokenType.STRING]
    assert strings == [text, f"s3://b/{text}/", "arn:aws:iam::1:role/r"]


def test_the_unload_encrypts_under_the_buckets_key_where_it_has_one() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
    sql = Redshift.export("select 1", Destination("s3://b/x/", "arn:r", {}, kms_key_arn=key))[0]
    assert "KMS_KEY_ID '01234567-89ab-cdef-0123-456789abcdef' ENCRYPTED" in sql
    assert "ENCRYPTED" not in Redshift.export("select 1", Destination("s3://b/x/", "arn:r", {}))[0]


def test_the_unload_says_header_csv_and_follows_the_format() -> None:
    plain = Redshift.export("select 1", Destination("s3://b/x/", "arn:r", {}, is_folder=True))[0]
    assert plain == "UNLOAD ('select 1')\nTO 's3://b/x/'\nIAM_ROLE 'arn:r'\nHEADER CSV\nCLEANPATH"
    other = Redshift.export("select 1", Destination("s3://b/x/", "arn:r", {"Delimiter": ";", "FileCompression": "GZIP"}, is_folder=True))[0]
    assert "HEADER CSV\nDELIMITER ';'\nGZIP\nCLEANPATH" in other


def test_an_empty_file_holds_the_header_alone() -> None:
    assert header_file(["timestamp", "a b", 'c"d'], {}) == b'timestamp,a b,"c""d"\n'
    assert header_file(["a"], {"FileCompression": "GZIP"})[:2] == b"\x1f\x8b"


def test_tokens_fit_the_data_api_and_tell_their_parts_apart() -> None:
    assert len(token("x" * 1000, 1)) == 64
    assert token("a", "bc") != token("ab", "c")
