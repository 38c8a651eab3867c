"""Operations on metric sets."""

from __future__ import annotations

from typing import Any

from l4m.api.operations.paging import answer_page
from l4m.api.wire.members import wire_names
from l4m.api.wire.metric_sets import FIELDS, describe, read_filters, read_measures, read_timestamp, summarise
from l4m.api.wire.sources import read_source
from l4m.arns import name_of
from l4m.errors import Fault
from l4m.model import Frequency, MetricSet
from l4m.service.context import Context
from l4m.service.resources import metric_sets

Members = dict[str, Any]


def create_metric_set(context: Context, members: Members) -> Members:
    """What a detector watches."""
    detector = context.resources.detector(members["AnomalyDetectorArn"])
    source, faults = read_source(members["MetricSource"], "MetricSource")
    filters, filter_faults = read_filters(members.get("DimensionFilterList", []))
    metric_set = MetricSet(
        arn=context.scope.metric_set(name_of(detector.arn), members["MetricSetName"]),
        detector_arn=detector.arn,
        name=members["MetricSetName"],
        measures=read_measures(members["MetricList"]),
        source=source,
        frequency=Frequency(members.get("MetricSetFrequency", detector.frequency)),
        created=context.now,
        modified=context.now,
        description=members.get("MetricSetDescription"),
        dimensions=tuple(members.get("DimensionList", ())),
        timestamp=read_timestamp(members["TimestampColumn"]) if "TimestampColumn" in members else None,
        timezone=members.get("Timezone", "UTC"),
        offset_seconds=members.get("Offset", 0),
        filters=filters,
        tags=members.get("Tags", {}),
    )
    with wire_names(FIELDS):
        return {"MetricSetArn": metric_sets.create_metric_set(context, metric_set, [*faults, *filter_faults]).arn}


def describe_metric_set(context: Context, members: Members) -> Members:
    """A metric set whole."""
    return describe(context.resources.metric_set(members["MetricSetArn"]))


def update_metric_set(context: Context, members: Members) -> Members:
    """Everything but name and timezone can change."""
    change, faults = _read_change(members)
    with wire_names(FIELDS):
        return {"MetricSetArn": metric_sets.update_metric_set(context, members["MetricSetArn"], change, faults).arn}


def list_metric_sets(context: Context, members: Members) -> Members:
    """Metric sets of one detector or of all."""

    def ask(limit: int, after: str | None) -> tuple[Members, str | None]:
        page = metric_sets.list_metric_sets(context, members.get("AnomalyDetectorArn"), limit, after)
        return {"MetricSetSummaryList": [summarise(one) for one in page.items]}, page.next

    return answer_page(context, "ListMetricSets", members, ask)


def _read_change(members: Members) -> tuple[metric_sets.MetricSetChange, list[Fault]]:
    source, faults = read_source(members["MetricSource"], "MetricSource") if "MetricSource" in members else (None, [])
    filters, filter_faults = read_filters(members["DimensionFilterList"]) if "DimensionFilterList" in members else (None, [])
    change = metric_sets.MetricSetChange(
        description=members.get("MetricSetDescription"),
        measures=read_measures(members["MetricList"]) if "MetricList" in members else None,
        offset_seconds=members.get("Offset"),
        timestamp=read_timestamp(members["TimestampColumn"]) if "TimestampColumn" in members else None,
        dimensions=tuple(members["DimensionList"]) if "DimensionList" in members else None,
        frequency=Frequency(members["MetricSetFrequency"]) if "MetricSetFrequency" in members else None,
        source=source,
        filters=filters,
    )
    return change, faults + filter_faults
