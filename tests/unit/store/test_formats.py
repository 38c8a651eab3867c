"""What was stored stays readable: golden files of each format, unknown and missing fields, damaged and later objects.

When a golden file no longer is what is written, readers of what is deployed would stumble: see ``l4m.store.formats`` for what to do.
``L4M_WRITE_GOLDEN=1`` writes the files of a new format; those of earlier ones stay.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.memory_bucket import MemoryBucket
from tests.unit.memory_table import MemoryTable

from l4m.answers import FeedbackRecord, GroupSeries
from l4m.errors import StateUnreadable, Unreadable
from l4m.model import (
    Alert,
    CsvFormat,
    Detector,
    DetectorStatus,
    FailureType,
    Frequency,
    LambdaTarget,
    Measure,
    MetricSet,
    OtherSource,
    S3Source,
    SnsTarget,
    TimestampColumn,
)
from l4m.store import formats
from l4m.store.anomalies import Anomalies, FencingToken
from l4m.store.bucket import Bucket
from l4m.store.history import History
from l4m.store.index import Index, IndexEntry
from l4m.store.outbox import Message, Outbox
from l4m.store.resources import Resources
from l4m.store.runs import ExecutionRecord, Pointer, Runs
from l4m.store.series import SavedState, SeriesStore
from l4m.store.table import Key, Table

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
WRITES = os.environ.get("L4M_WRITE_GOLDEN") == "1"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = 1_772_366_400
PREFIX = "arn:aws:lookoutmetrics:us-east-1:123456789012"
ARN = f"{PREFIX}:AnomalyDetector:sales"
ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
DETECTOR = Detector(
    ARN,
    "sales",
    Frequency.PT1H,
    NOW,
    NOW,
    description="the shop",
    status=DetectorStatus.FAILED,
    failure_type=FailureType.ACTIVATION_FAILURE,
    failure_reason="no history",
    generation=7,
    tags={"l4m:country": "DE"},
)
METRIC_SET = MetricSet(
    f"{PREFIX}:MetricSet/sales/set",
    ARN,
    "set",
    (Measure("orders"), Measure("price")),
    S3Source(ROLE, "s3://data/live/{{yyyyMMdd}}/{{HHmm}}", "s3://data/history/", CsvFormat(headers=("time", "orders"))),
    Frequency.PT1H,
    NOW,
    NOW,
    dimensions=("country",),
    timestamp=TimestampColumn("time", "yyyy-MM-dd HH:mm:ss"),
    offset_seconds=300,
    filters={"country": ("de", "fr")},
)
ALERTS = (
    Alert(
        f"{PREFIX}:Alert:mail", ARN, "mail", SnsTarget(ROLE, "arn:aws:sns:us-east-1:123456789012:pager"), NOW, NOW, 70, measures=("orders",)
    ),
    Alert(f"{PREFIX}:Alert:call", ARN, "call", LambdaTarget(ROLE, "arn:aws:lambda:us-east-1:123456789012:function:call"), NOW, NOW, 50),
)
FEEDBACK = FeedbackRecord("group-1", GroupSeries("series-1", "orders", {"country": "de"}, 81.5, "down"), False, NOW)
POINTER = Pointer(
    START + 3600, "sales/state/key", seen={str(START): "mark"}, checkpoints=((START, "sales/state/before"),), quality={"rows": 3}
)
EXECUTION = ExecutionRecord(START, "COMPLETED", "2 new series were left out")
MESSAGE = Message("message-1", "alert", {"anomalyScore": 81.5})
ENTRIES = [IndexEntry(START, 3600, "orders", 81.5)]
GROUP = {
    "id": "group-1",
    "measure": "orders",
    "start": START,
    "interval_seconds": 3600,
    "score": 81.5,
    "incident_id": "incident-1",
    "series": [],
}
INCIDENT = {"id": "incident-1", "start": START, "end": START, "severity": 81.5, "measures": ["orders"], "causes": [], "is_open": True}
HISTORY = History(np.array([START], np.int64), (("de",), ("*",)), np.array([[[1, 2]], [[3, np.nan]]], np.float32))
STATE = SavedState(b"what the engine keeps", HISTORY, {"groups": []}, ("incident-1",))
TOKEN = FencingToken("7.1", lambda: None)


def furnish(table: Table) -> None:
    """One row of each kind."""
    resources = Resources(table)
    resources.add_detector(DETECTOR)
    resources.add_metric_set(METRIC_SET)
    for alert in ALERTS:
        resources.add_alert(alert)
    resources.put_feedback(ARN, FEEDBACK)
    runs = Runs(table, "sales", 7)
    runs.move(None, POINTER)
    runs.record([EXECUTION])
    runs.describe_learning({"rows": 3})
    index = Index(table, "sales")
    index.begin(START)
    index.replace(3600, [START], ENTRIES)
    Outbox(table, "sales").insert(MESSAGE)


def rows_of(table: Table) -> list[dict[str, Any]]:
    """All rows with what does not differ from run to run."""
    items = sorted(table.client.scan(TableName="l4m")["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    return [
        {
            "partition": item["pk"]["S"],
            "sort": item["sk"]["S"],
            "format": int(item["format"]["N"]),
            "document": json.loads(item["doc"]["S"]),
        }
        for item in items
    ]


def put_back(rows: list[dict[str, Any]]) -> Table:
    """A table that holds rows as they once were written."""
    table = Table(MemoryTable(), "l4m")
    for row in rows:
        item = {"pk": {"S": row["partition"]}, "sk": {"S": row["sort"]}, "version": {"N": "1"}, "doc": {"S": json.dumps(row["document"])}}
        number = {"format": {"N": str(row["format"])}} if row["format"] else {}
        table.client.put_item(TableName="l4m", Item=item | number)
    return table


def golden(name: str, written: bytes | None = None) -> bytes:
    """A golden file; what is ``written`` now has to be the same."""
    path = GOLDEN / name
    if WRITES and written is not None:
        path.write_bytes(written)
    assert written is None or path.read_bytes() == written, f"{name} is not what is written now"
    return path.read_bytes()


@pytest.fixture
def table() -> Table:
    """A furnished table."""
    made = Table(MemoryTable(), "l4m")
    furnish(made)
    return made


@pytest.fixture
def bucket() -> Bucket:
    """An empty bucket."""
    return Bucket(MemoryBucket(), "state")


def assert_all_is_read(table: Table) -> None:
    """All that was furnished is there."""
    resources, runs = Resources(table), Runs(table, "sales", 7)
    assert resources.watched(ARN) == (DETECTOR, METRIC_SET)
    assert {alert.name: alert for alert in resources.alerts(ARN)} == {alert.name: alert for alert in ALERTS}
    assert resources.feedback(ARN) == (FEEDBACK,)
    assert replace(runs.pointer(), version=0) == POINTER
    assert runs.execution(START) == EXECUTION
    assert runs.learning() == {"rows": 3}
    index = Index(table, "sales")
    assert index.entries(index.count(), 10) == ENTRIES
    assert index.count().since == START
    assert replace(Outbox(table, "sales").find("message-1"), version=1) == MESSAGE


def test_rows_of_the_first_format_are_read() -> None:
    assert_all_is_read(put_back(json.loads(golden("rows-1.json"))))


def test_rows_without_a_number_are_of_the_first_format() -> None:
    assert_all_is_read(put_back([{**row, "format": None} for row in json.loads(golden("rows-1.json"))]))


def test_rows_are_written_as_the_golden_file_has_them(table: Table) -> None:
    golden("rows-1.json", (json.dumps(rows_of(table), indent=1) + "\n").encode())


def test_every_kind_of_row_has_a_golden_one() -> None:
    kinds = {formats.kind_of(row["partition"]) for row in json.loads(golden("rows-1.json"))}
    assert kinds == set(formats.FORMATS) - {"anomaly-group", "incident", "state", "setting"}


def test_fields_of_a_later_version_are_passed_over_and_stay(table: Table) -> None:
    rows = rows_of(table)
    for row in rows:
        if formats.kind_of(row["partition"]) in ("detector", "metric-set", "alert", "feedback", "run", "execution", "message"):
            row["document"]["color"] = "blue"
        if row["partition"] == "metric-set":
            row["document"]["source"]["color"] = "blue"
    later = put_back(rows)
    assert replace(Runs(later, "sales", 7).pointer(), unknown={}, version=0) == POINTER
    assert Runs(later, "sales", 7).execution(START) == EXECUTION
    resources = Resources(later)
    resources.change(DETECTOR, lambda one: replace(one, description="another"))
    resources.change_watched(ARN, lambda one, other: (one, replace(other, offset_seconds=60)))
    resources.change(ALERTS[0], lambda one: replace(one, threshold=90))
    runs = Runs(later, "sales", 7)
    pointer = runs.pointer()
    runs.move(pointer, replace(pointer, next=START + 7200))
    kept = {formats.kind_of(row["partition"]): row["document"] for row in rows_of(later) if row["sort"] != "call"}
    assert {kind: kept[kind]["color"] for kind in ("detector", "metric-set", "alert", "run")} == dict.fromkeys(
        ("detector", "metric-set", "alert", "run"), "blue"
    )
    assert kept["metric-set"]["source"]["color"] == "blue"
    assert (kept["detector"]["description"], kept["metric-set"]["offset_seconds"], kept["run"]["next"]) == ("another", 60, START + 7200)


def test_fields_that_an_earlier_version_did_not_write_have_their_defaults(table: Table) -> None:
    rows = rows_of(table)
    for row in rows:
        for name in (
            "tags",
            "failure_type",
            "failure_reason",
            "filters",
            "timezone",
            "dimension_filters",
            "seen",
            "deaths",
            "quality",
            "reason",
        ):
            row["document"].pop(name, None)
    earlier = put_back(rows)
    detector, metric_set = Resources(earlier).watched(ARN)
    assert detector == replace(DETECTOR, tags={}, failure_type=None, failure_reason=None)
    assert metric_set == replace(METRIC_SET, filters={})
    assert replace(Runs(earlier, "sales", 7).pointer(), version=0) == replace(POINTER, seen={}, quality={})


def test_a_source_of_another_kind_takes_nothing_of_the_one_before(table: Table) -> None:
    other = OtherSource("CloudWatchConfig", {"RoleArn": ROLE})
    Resources(table).change_watched(ARN, lambda one, two: (one, replace(two, source=other)))
    assert Resources(table).metric_sets(ARN)[0].source == other


@pytest.mark.parametrize(
    ("lacking", "message"),
    [({"frequency": "PT2H"}, "'frequency' that says 'PT2H'"), ({"name": None}, "no field 'name'"), ({"created": "soon"}, "'created'")],
)
def test_what_cannot_be_made_sense_of_is_named(table: Table, lacking: dict[str, Any], message: str) -> None:
    rows = [row for row in rows_of(table) if row["partition"] == "detector"]
    for name, value in lacking.items():
        rows[0]["document"][name] = value
        if value is None:
            del rows[0]["document"][name]
    with pytest.raises(Unreadable, match=message):
        Resources(put_back(rows)).detector(ARN)


def test_rows_of_a_later_format_are_refused_by_name(table: Table) -> None:
    rows = [{**row, "format": 2} for row in rows_of(table)]
    with pytest.raises(Unreadable, match=r"detector 'sales' is of format 2, written by a later version; this one reads up to 1"):
        Resources(put_back(rows)).detector(ARN)


def test_an_earlier_format_is_brought_up_to_the_current_one(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, "execution": 2})
    upgrades = {("execution", 1): lambda document: {**document, "status": document["status"].lower()}}
    monkeypatch.setattr(formats, "UPGRADES", upgrades)
    runs = Runs(table, "sales", 7)
    assert runs.execution(START) == replace(EXECUTION, status="completed")
    runs.record([EXECUTION])
    assert runs.execution(START) == EXECUTION


FINDINGS: list[tuple[str, Callable[[Anomalies], None], Callable[[Anomalies], Any], dict[str, Any]]] = [
    ("group", lambda found: found.put_group(TOKEN, GROUP, b"\0" * 8), lambda found: found.group("group-1"), GROUP),
    (
        "incident",
        lambda found: found.put_incident(TOKEN, INCIDENT, {"position": 81.5}),
        lambda found: found.incident("incident-1"),
        INCIDENT,
    ),
]


@pytest.mark.parametrize(("kind", "put", "get", "whole"), FINDINGS, ids=[one[0] for one in FINDINGS])
def test_findings(bucket: Bucket, kind: str, put: Callable[..., Any], get: Callable[..., Any], whole: dict[str, Any]) -> None:
    anomalies = Anomalies(bucket, "sales")
    key = f"sales/{kind}/{kind}-1.json"
    put(anomalies)
    golden(f"{kind}-1.json", bucket.get(key) or b"")
    bucket.put(key, golden(f"{kind}-1.json"))
    assert whole.items() <= get(anomalies).items(), "a finding of the first format is read"

    bucket.put(key, json.dumps({**get(anomalies), "color": "blue"}).encode())
    put(Anomalies(bucket, "sales"))
    assert get(anomalies)["color"] == "blue", "what a later version keeps stays"

    bucket.put(key, json.dumps({**get(anomalies), "format": 2}).encode())
    with pytest.raises(Unreadable, match=rf"{key} is of format 2"):
        get(anomalies)
    bucket.put(key, b'{"id":')
    with pytest.raises(Unreadable, match=rf"{key} is damaged"):
        get(anomalies)
    put(anomalies)
    assert whole.items() <= get(anomalies).items(), "what cannot be read is written anew"


def test_state_of_the_first_format_is_read(bucket: Bucket) -> None:
    series = SeriesStore(bucket, "sales/1")
    key = series.save(START, STATE, 3)
    golden("state-1.bin", bucket.get(key) or b"")
    bucket.put(key, golden("state-1.bin"))
    found = series.load(key)
    assert (found.monitor, found.report, found.open_incidents) == (STATE.monitor, STATE.report, STATE.open_incidents)
    assert found.history.nodes == HISTORY.nodes
    np.testing.assert_array_equal(found.history.values, HISTORY.values)


def test_state_that_is_not_what_was_written_says_so(bucket: Bucket) -> None:
    series = SeriesStore(bucket, "sales/1")
    key = series.save(START, STATE, 3)
    other = series.save(START, replace(STATE, monitor=b"another"), 3)
    bucket.put(key, bucket.get(other) or b"")
    with pytest.raises(StateUnreadable, match="not what its name says") as caught:
        series.load(key)
    assert caught.value.place == key
    bucket.delete([key])
    with pytest.raises(StateUnreadable, match="gone from the bucket"):
        series.load(key)


def test_a_damaged_page_of_values_is_none(bucket: Bucket) -> None:
    series = SeriesStore(bucket, "sales/1")
    series.save_page(1, HISTORY)
    key = "sales/1/history/00000001.arrays"
    assert series.load_page(1) is not None
    bucket.put(key, (bucket.get(key) or b"")[:-1])
    assert series.load_page(1) is None


def test_no_row_is_without_a_number(table: Table) -> None:
    table.put(Key("anything", "new"), {})
    assert all("format" in item for item in table.client.scan(TableName="l4m")["Items"])
