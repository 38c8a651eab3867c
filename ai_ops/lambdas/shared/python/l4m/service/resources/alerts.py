"""Alerts: create, describe, change, list, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from l4m.answers import Page
from l4m.errors import Fault, InvalidInput, QuotaExceeded
from l4m.model import Alert, LambdaTarget, SnsTarget
from l4m.service.context import Context
from l4m.service.passing import require_pass_role
from l4m.service.resources.alert_rules import alert_faults
from l4m.service.resources.tags import tag_faults
from l4m.store import keys


@dataclass(frozen=True)
class AlertChange:
    """What is to change about an alert; None leaves a thing as it is."""

    description: str | None = None
    threshold: int | None = None
    target: SnsTarget | LambdaTarget | None = None
    measures: tuple[str, ...] | None = None
    dimension_filters: Mapping[str, tuple[str, ...]] | None = None


def create_alert(context: Context, alert: Alert, faults: Sequence[Fault] = ()) -> Alert:
    """Keep a new alert of a detector, unless the caller knows ``faults`` already, or more are found."""
    detector = context.resources.detector(alert.detector_arn)
    _check(context, alert, [*faults, *tag_faults(context.limits, alert.tags)])
    require_pass_role(context, alert.target.role_arn)
    if len(context.resources.alerts(detector.arn)) >= context.limits.alerts_per_detector:
        raise QuotaExceeded("alerts per detector", context.limits.alerts_per_detector, "MaxAlerts")
    context.resources.add_alert(alert)
    return alert


def list_alerts(context: Context, detector_arn: str | None, limit: int, after: str | None) -> Page[Alert]:
    """Alerts of one detector or of all, in the order of their names."""
    if detector_arn is None:
        return context.resources.page(keys.ALERTS, limit, after)
    context.resources.detector(detector_arn)
    return context.resources.page(keys.ALERTS, limit, after, lambda one: one.detector_arn == detector_arn)


def update_alert(context: Context, arn: str, change: AlertChange, faults: Sequence[Fault] = ()) -> Alert:
    """Change an alert; filters that are given replace the old ones."""

    def edit(current: Alert) -> Alert:
        given = {one.name: getattr(change, one.name) for one in fields(change) if getattr(change, one.name) is not None}
        edited = replace(current, **given, modified=context.now)
        _check(context, edited, faults)
        return edited

    known = context.resources.alert(arn)
    if change.target is not None and not faults:
        require_pass_role(context, change.target.role_arn)
    return context.resources.change(known, edit)


def _check(context: Context, alert: Alert, faults: Sequence[Fault]) -> None:
    metric_sets = context.resources.metric_sets(alert.detector_arn)
    found = [*faults, *alert_faults(alert, metric_sets[0] if metric_sets else None, context.account)]
    if found:
        raise InvalidInput(*found)
