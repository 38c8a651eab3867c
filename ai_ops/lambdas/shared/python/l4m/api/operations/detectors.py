"""Operations on detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from l4m.api.operations.paging import answer_page
from l4m.api.wire.detectors import FIELDS, describe, summarise
from l4m.api.wire.members import wire_names
from l4m.errors import Fault, InvalidInput
from l4m.model import Frequency
from l4m.service.context import Context
from l4m.service.resources import detectors
from l4m.service.resources.tags import tag_faults

Members = dict[str, Any]


def create_anomaly_detector(context: Context, members: Members) -> Members:
    """Name, frequency and key of a new detector."""
    frequency = _read_frequency(members)
    with wire_names(FIELDS):
        if frequency is None:
            raise InvalidInput(Fault("frequency", "is required"), *tag_faults(context.limits, members.get("Tags", {}), is_detector=True))
        detector = detectors.create_detector(
            context,
            members["AnomalyDetectorName"],
            frequency,
            description=members.get("AnomalyDetectorDescription"),
            kms_key_arn=members.get("KmsKeyArn"),
            tags=members.get("Tags"),
        )
    return {"AnomalyDetectorArn": detector.arn}


def describe_anomaly_detector(context: Context, members: Members) -> Members:
    """A detector whole."""
    return describe(context.resources.detector(members["AnomalyDetectorArn"]))


def update_anomaly_detector(context: Context, members: Members) -> Members:
    """Description, key and frequency can change."""
    change = detectors.DetectorChange(members.get("AnomalyDetectorDescription"), members.get("KmsKeyArn"), _read_frequency(members))
    with wire_names(FIELDS):
        return {"AnomalyDetectorArn": detectors.update_detector(context, members["AnomalyDetectorArn"], change).arn}


def list_anomaly_detectors(context: Context, members: Members) -> Members:
    """All detectors."""

    def ask(limit: int, after: str | None) -> tuple[Members, str | None]:
        page = detectors.list_detectors(context, limit, after)
        return {"AnomalyDetectorSummaryList": [summarise(one) for one in page.items]}, page.next

    return answer_page(context, "ListAnomalyDetectors", members, ask)


def activate_anomaly_detector(context: Context, members: Members) -> Members:
    """Learn, then watch."""
    return _act(detectors.activate_detector, context, members)


def back_test_anomaly_detector(context: Context, members: Members) -> Members:
    """Learn and score history."""
    return _act(detectors.backtest_detector, context, members)


def deactivate_anomaly_detector(context: Context, members: Members) -> Members:
    """Stop watching."""
    return _act(detectors.deactivate_detector, context, members)


def delete_anomaly_detector(context: Context, members: Members) -> Members:
    """Forget a detector and all that belongs to it."""
    return _act(detectors.delete_detector, context, members)


def _act(use_case: Callable[[Context, str], None], context: Context, members: Members) -> Members:
    with wire_names(FIELDS):
        use_case(context, members["AnomalyDetectorArn"])
    return {}


def _read_frequency(members: Members) -> Frequency | None:
    given = members.get("AnomalyDetectorConfig", {}).get("AnomalyDetectorFrequency")
    return Frequency(given) if given else None
