"""Operations on alerts."""

from __future__ import annotations

from typing import Any

from l4m.api.operations.paging import answer_page
from l4m.api.wire.alerts import FIELDS, describe, read_action, read_filters, summarise
from l4m.api.wire.members import wire_names
from l4m.errors import InvalidInput
from l4m.model import Alert
from l4m.service.context import Context
from l4m.service.resources import alerts

Members = dict[str, Any]


def create_alert(context: Context, members: Members) -> Members:
    """Whom to tell about which groups of a detector."""
    measures, dimension_filters, faults = read_filters(members.get("AlertFilters", {}))
    target, target_faults = read_action(members["Action"])
    if target is None:
        raise InvalidInput(*target_faults, *faults)
    alert = Alert(
        arn=context.scope.alert(members["AlertName"]),
        detector_arn=members["AnomalyDetectorArn"],
        name=members["AlertName"],
        target=target,
        created=context.now,
        modified=context.now,
        threshold=members.get("AlertSensitivityThreshold", 0),
        description=members.get("AlertDescription"),
        measures=measures,
        dimension_filters=dimension_filters,
        tags=members.get("Tags", {}),
    )
    with wire_names(FIELDS):
        return {"AlertArn": alerts.create_alert(context, alert, faults).arn}


def describe_alert(context: Context, members: Members) -> Members:
    """An alert whole."""
    return {"Alert": describe(context.resources.alert(members["AlertArn"]))}


def update_alert(context: Context, members: Members) -> Members:
    """Everything but the name can change."""
    measures, dimension_filters, faults = read_filters(members["AlertFilters"]) if "AlertFilters" in members else (None, None, [])
    target, target_faults = read_action(members["Action"]) if "Action" in members else (None, [])
    change = alerts.AlertChange(
        description=members.get("AlertDescription"),
        threshold=members.get("AlertSensitivityThreshold"),
        target=target,
        measures=measures,
        dimension_filters=dimension_filters,
    )
    with wire_names(FIELDS):
        return {"AlertArn": alerts.update_alert(context, members["AlertArn"], change, [*faults, *target_faults]).arn}


def list_alerts(context: Context, members: Members) -> Members:
    """Alerts of one detector or of all."""

    def ask(limit: int, after: str | None) -> tuple[Members, str | None]:
        page = alerts.list_alerts(context, members.get("AnomalyDetectorArn"), limit, after)
        return {"AlertSummaryList": [summarise(one) for one in page.items]}, page.next

    return answer_page(context, "ListAlerts", members, ask)


def delete_alert(context: Context, members: Members) -> Members:
    """Forget an alert."""
    context.resources.remove_alert(members["AlertArn"])
    return {}
