"""Measure how long reads of the API take when a detector has found ten thousand groups, on the local AWS.

.venv/bin/python scripts/bench_reads.py     p95 in milliseconds, from the client's call to its parsed answer
"""

import json
import tempfile
import time
from array import array
from pathlib import Path
from statistics import quantiles
from typing import Any

from l4m.store.anomalies import Anomalies, FencingToken
from l4m.store.bucket import Bucket
from l4m.store.index import Index, IndexEntry
from l4m.store.table import Table
from localaws import LocalAws

TEMPLATE = Path(__file__).resolve().parents[1] / "ai_ops" / "l4m-service.yaml"
GROUPS, MEASURES, SERIES = 10_000, ("views", "revenue"), 100
HOUR = 3600
FIRST = 1_700_000_000 // HOUR * HOUR
POINTS = 28 * 24 + 1
CALLS, ROUNDS = 40, 3  # the best round counts: other processes may be busy


def measure() -> dict[str, float]:
    """Return the figures by the name of the call."""
    with tempfile.TemporaryDirectory() as folder, LocalAws.start(Path(folder) / "home") as aws:
        api = aws.client("lookoutmetrics")
        detector, group = _crowd(aws, aws.deploy(TEMPLATE, "bench", {}))
        first = api.list_anomaly_group_summaries(**detector, SensitivityThreshold=0)
        calls = {
            "describe a detector": lambda: api.describe_anomaly_detector(**detector),
            "first page of groups": lambda: api.list_anomaly_group_summaries(**detector, SensitivityThreshold=0),
            "severe groups": lambda: api.list_anomaly_group_summaries(**detector, SensitivityThreshold=99, MaxResults=20),
            "next page": lambda: api.list_anomaly_group_summaries(**detector, SensitivityThreshold=0, NextToken=first["NextToken"]),
            "one group": lambda: api.get_anomaly_group(**group),
            "its series": lambda: api.list_anomaly_group_time_series(**group, MetricName="views", MaxResults=10),
            "alerts": lambda: api.list_alerts(**detector),
        }
        return {name: min(_p95(call) for _ in range(ROUNDS)) for name, call in calls.items()}


def _p95(call: Any) -> float:
    seconds = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return round(1000 * quantiles(seconds, n=20)[-1], 1)


def _crowd(aws: LocalAws, outputs: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """A detector with ten thousand groups in the table, and one of them whole in the bucket."""
    api = aws.client("lookoutmetrics")
    made = api.create_anomaly_detector(AnomalyDetectorName="crowded", AnomalyDetectorConfig={"AnomalyDetectorFrequency": "PT1H"})
    arn = made["AnomalyDetectorArn"]
    starts = [FIRST + HOUR * number for number in range(GROUPS // len(MEASURES))]
    entries = [IndexEntry(start, HOUR, name, start / HOUR % 101) for start in starts for name in MEASURES]
    Index(Table(aws.client("dynamodb"), outputs["TableName"]), "crowded").replace(HOUR, starts, entries)
    newest = entries[-len(MEASURES)].group_id(arn)
    anomalies = Anomalies(Bucket(aws.client("s3"), outputs["StateBucketName"]), "crowded")
    anomalies.put_group(FencingToken("1", lambda: None), _document(newest, starts[-1]), array("f", [1.0] * POINTS * SERIES).tobytes())
    return {"AnomalyDetectorArn": arn}, {"AnomalyDetectorArn": arn, "AnomalyGroupId": newest}


def _document(name: str, start: int) -> dict[str, Any]:
    shops = [f"m{number}" for number in range(SERIES)]
    return {
        "id": name,
        "start": start,
        "measure": "views",
        "score": 50.0,
        "direction": "down",
        "series_count": SERIES,
        "contributions": {"platform": {"pc": 100.0}, "marketplace": dict.fromkeys(shops, 1.0)},
        "series": [
            {"id": f"{n:0128x}", "dimensions": {"platform": "pc", "marketplace": shop}, "severity": 50.0} for n, shop in enumerate(shops)
        ],
        "timestamps": list(range(start - HOUR * (POINTS - 1), start + 1, HOUR)),
        "incident_id": "none",
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
