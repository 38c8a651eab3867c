"""Whom a group concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from l4m.alerts.filters import concerns
from l4m.model import Alert


@pytest.mark.parametrize(("threshold", "expected"), [(0, True), (91, True), (92, False)])
def test_a_score_at_or_above_the_threshold_concerns(alert: Alert, group: dict[str, Any], threshold: int, expected: bool) -> None:
    assert concerns(replace(alert, threshold=threshold), group) is expected


def test_a_score_exactly_at_the_threshold_concerns(alert: Alert, group: dict[str, Any]) -> None:
    assert concerns(replace(alert, threshold=91), {**group, "score": 91.0})


def test_an_inactive_alert_is_silent(alert: Alert, group: dict[str, Any]) -> None:
    assert not concerns(replace(alert, status="INACTIVE"), group)


@pytest.mark.parametrize(("measures", "expected"), [((), True), (("flights", "cancelled"), True), (("flights",), False)])
def test_measures_are_alternatives(alert: Alert, group: dict[str, Any], measures: tuple[str, ...], expected: bool) -> None:
    assert concerns(replace(alert, measures=measures), group) is expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"origin": ("EWR",)}, True),
        ({"origin": ("SFO", "EWR")}, True),
        ({"origin": ("SFO",)}, False),
        ({"origin": ("LGA",)}, False),  # it contributed so little that it may be noise
        ({"origin": ("JFK",)}, True),  # part of the series over all airports
        ({"origin": ("EWR",), "carrier": ("UA",)}, True),
        ({"origin": ("EWR",), "carrier": ("B6",)}, False),
    ],
)
def test_dimension_filters_are_and_across_or_within(alert: Alert, group: dict[str, Any], filters: Any, expected: bool) -> None:
    assert concerns(replace(alert, dimension_filters=filters), group) is expected
