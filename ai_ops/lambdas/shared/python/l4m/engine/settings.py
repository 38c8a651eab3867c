"""What a user may choose about detection; every default is the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from l4m.model import Aggregation, Direction, Measure


@dataclass(frozen=True)
class Settings:
    """Settings of one detector; fixed for the life of its learned state."""

    interval_seconds: int
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...] = ()
    timezone: str = "UTC"
    sensitivity: float = 50.0  # 0 reports least, 100 most
    direction: Direction = Direction.BOTH
    minimum_absolute: float = 0.0  # smaller deviations from the expected value are never reported
    minimum_relative: float = 0.0  # the same, as a share of the expected value
    country: str | None = None  # ISO 3166 code of the holiday calendar
    special_days: tuple[date, ...] = ()
    rollups: bool = True


def read_settings(document: Mapping[str, Any]) -> Settings:
    """Return the settings that were saved as JSON."""
    measures = tuple(Measure(one["name"], Aggregation(one["aggregation"]), one["namespace"]) for one in document["measures"])
    days = tuple(date.fromisoformat(day) for day in document["special_days"])
    return Settings(
        **{
            **document,
            "measures": measures,
            "dimensions": tuple(document["dimensions"]),
            "direction": Direction(document["direction"]),
            "special_days": days,
        }
    )
