"""Alerts on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l4m.api.wire.members import epoch, present
from l4m.errors import Fault
from l4m.model import Alert, LambdaTarget, SnsTarget

FIELDS = {
    "target.role_arn": "Action.RoleArn",
    "target.topic_arn": "Action.SNSConfiguration.SnsTopicArn",
    "target.function_arn": "Action.LambdaConfiguration.LambdaArn",
    "measures": "AlertFilters.MetricList",
    "dimension_filters": "AlertFilters.DimensionFilterList",
    "filters": "AlertFilters",
    "tags": "Tags",
}

Wire = Mapping[str, Any]


def describe(alert: Alert) -> dict[str, Any]:
    """An alert whole."""
    whole = summarise(alert) | present(
        Action=_write_action(alert.target),
        AlertDescription=alert.description,
        AlertFilters=_write_filters(alert) or None,
    )
    whole.pop("Tags", None)
    return whole


def summarise(alert: Alert) -> dict[str, Any]:
    """An alert in a list."""
    return present(
        AlertArn=alert.arn,
        AnomalyDetectorArn=alert.detector_arn,
        AlertName=alert.name,
        AlertSensitivityThreshold=alert.threshold,
        AlertType="SNS" if isinstance(alert.target, SnsTarget) else "LAMBDA",
        AlertStatus=alert.status,
        LastModificationTime=epoch(alert.modified),
        CreationTime=epoch(alert.created),
        Tags=dict(alert.tags) or None,
    )


def read_action(wire: Wire) -> tuple[SnsTarget | LambdaTarget | None, list[Fault]]:
    """The one target of an Action, with what is wrong with its structure."""
    if len(wire) != 1:
        return None, [Fault("Action", "needs exactly one of SNSConfiguration and LambdaConfiguration")]
    if "LambdaConfiguration" in wire:
        configuration = wire["LambdaConfiguration"]
        return LambdaTarget(configuration["RoleArn"], configuration["LambdaArn"]), []
    configuration = wire["SNSConfiguration"]
    return SnsTarget(configuration["RoleArn"], configuration["SnsTopicArn"], configuration.get("SnsFormat", "JSON")), []


def read_filters(wire: Wire) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], list[Fault]]:
    """Measures and dimension values of AlertFilters, with what is wrong with their structure."""
    faults: list[Fault] = []
    dimensions: dict[str, tuple[str, ...]] = {}
    measures = wire.get("MetricList", [])
    if len(set(measures)) < len(measures):
        faults.append(Fault("AlertFilters.MetricList", "names a measure twice"))
    for index, one in enumerate(wire.get("DimensionFilterList", [])):
        where = f"AlertFilters.DimensionFilterList[{index}]"
        name = one.get("DimensionName")
        if name is None or name in dimensions:
            faults.append(Fault(f"{where}.DimensionName", "is required" if name is None else f"{name!r} has a filter already"))
        elif "DimensionValueList" not in one:
            faults.append(Fault(f"{where}.DimensionValueList", "is required"))
        else:
            dimensions[name] = tuple(one["DimensionValueList"])
    return tuple(measures), dimensions, faults


def _write_action(target: SnsTarget | LambdaTarget) -> dict[str, Any]:
    if isinstance(target, LambdaTarget):
        return {"LambdaConfiguration": {"RoleArn": target.role_arn, "LambdaArn": target.function_arn}}
    return {"SNSConfiguration": {"RoleArn": target.role_arn, "SnsTopicArn": target.topic_arn, "SnsFormat": target.format}}


def _write_filters(alert: Alert) -> dict[str, Any]:
    listed = [{"DimensionName": name, "DimensionValueList": list(values)} for name, values in alert.dimension_filters.items()]
    return present(MetricList=list(alert.measures) or None, DimensionFilterList=listed or None)
