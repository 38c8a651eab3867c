"""Which alerts a group concerns: its score, its measure, its dimension values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l4m.model import Alert

HALF = 50.0  # of an even share, in per cent


def concerns(alert: Alert, group: Mapping[str, Any]) -> bool:
    """Whether an alert wants to hear of a group; filters are AND across dimensions, OR within one."""
    if alert.status != "ACTIVE" or group["score"] < alert.threshold:
        return False
    if alert.measures and group["measure"] not in alert.measures:
        return False
    return not alert.dimension_filters or any(_passes(alert, series["dimensions"], group) for series in group["series"])


def _passes(alert: Alert, dimensions: Mapping[str, str], group: Mapping[str, Any]) -> bool:
    """A series that is rolled up over a dimension stands for the values that contributed their part, or half of it, to the group."""
    for name, wanted in alert.dimension_filters.items():
        if name in dimensions:
            if dimensions[name] not in wanted:
                return False
        else:
            shares = group["contributions"].get(name, {})
            if not any(shares.get(value, 0) * len(shares) > HALF for value in wanted):
                return False
    return True
