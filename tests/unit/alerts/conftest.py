"""A group, its incident and an alert, as the run function hands them on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from l4m.model import Alert, CsvFormat, Detector, Frequency, Measure, MetricSet, S3Source, SnsTarget

PREFIX = "arn:aws:lookoutmetrics:us-east-1:123456789012"
DETECTOR = f"{PREFIX}:AnomalyDetector:flights"
ROLE = "arn:aws:iam::123456789012:role/LookoutForMetricsRole"
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
BLIZZARD = int(datetime(2013, 2, 8, 21, tzinfo=UTC).timestamp())


def series(value: float | None, **dimensions: str) -> dict[str, Any]:
    """An anomalous series; 10 cancellations were expected."""
    return {"id": "ab" * 64, "dimensions": dimensions, "value": value, "expected": 10.0, "lower": 0.0, "upper": 25.0, "severity": 91.5}


@pytest.fixture
def group() -> dict[str, Any]:
    """Cancelled flights in a blizzard, over both dimensions and in one airport."""
    return {
        "id": "0b44ee81-5c31-5a91-9d4b-6a8f5b0b6c11",
        "measure": "cancelled",
        "start": BLIZZARD,
        "score": 91.52,
        "direction": "up",
        "kind": "value",
        "incident_id": "d9a3cb70-9a3b-5c0f-8f2b-0f6a5b0c3f11",
        "contributions": {"origin": {"EWR": 60.5, "JFK": 34.5, "LGA": 5.0}, "carrier": {"UA": 100.0}},
        "series_count": 2,
        "series": [series(44.0, origin="EWR"), series(61.0)],
    }


@pytest.fixture
def incident() -> dict[str, Any]:
    """The blizzard, which began three hours before."""
    return {
        "id": "d9a3cb70-9a3b-5c0f-8f2b-0f6a5b0c3f11",
        "start": BLIZZARD - 3 * 3600,
        "end": BLIZZARD,
        "measures": ["delay_minutes", "cancelled"],
        "causes": [{"dimensions": {"origin": "EWR"}, "contribution": 61.2, "change": 3.4}],
        "relations": {},
        "change": "changed",
        "is_open": True,
    }


@pytest.fixture
def alert() -> Alert:
    """Tells a topic about everything."""
    target = SnsTarget(ROLE, "arn:aws:sns:us-east-1:123456789012:pager")
    return Alert(f"{PREFIX}:Alert:pager", DETECTOR, "pager", target, CREATED, CREATED, threshold=70, description="Call the duty manager")


@pytest.fixture
def detector() -> Detector:
    """The detector of flights."""
    return Detector(DETECTOR, "flights", Frequency.PT1H, CREATED, CREATED)


@pytest.fixture
def metric_set() -> MetricSet:
    """Its metric set, on New York's clock."""
    source = S3Source(ROLE, "s3://data/live/{{yyyyMMdd}}/{{HHmm}}", None, CsvFormat())
    return MetricSet(
        f"{PREFIX}:MetricSet/flights/set",
        DETECTOR,
        "set",
        (Measure("cancelled"), Measure("delay_minutes")),
        source,
        Frequency.PT1H,
        CREATED,
        CREATED,
        dimensions=("origin", "carrier"),
        timezone="America/New_York",
    )
