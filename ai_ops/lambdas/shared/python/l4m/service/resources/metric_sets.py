"""Metric sets: create, describe, change, list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from l4m.answers import Page
from l4m.arns import METRIC_SET
from l4m.errors import Conflict, Fault, InvalidInput, NotFound, QuotaExceeded
from l4m.model import Detector, Frequency, Measure, MetricSet, OtherSource, S3Source, TimestampColumn
from l4m.service.context import Context
from l4m.service.passing import require_pass_role
from l4m.service.resources.alert_rules import filter_faults
from l4m.service.resources.detectors import AT_REST, LIVE
from l4m.service.resources.metric_set_rules import metric_set_faults
from l4m.service.resources.tags import tag_faults
from l4m.service.tasks import start_task
from l4m.store import keys
from l4m.store.resources import Watched

WHILE_LIVE = frozenset({"description", "offset_seconds"})  # may change without learning anew


@dataclass(frozen=True)
class MetricSetChange:
    """What is to change about a metric set; None leaves a thing as it is."""

    description: str | None = None
    measures: tuple[Measure, ...] | None = None
    offset_seconds: int | None = None
    timestamp: TimestampColumn | None = None
    dimensions: tuple[str, ...] | None = None
    frequency: Frequency | None = None
    source: S3Source | OtherSource | None = None
    filters: dict[str, tuple[str, ...]] | None = None


def create_metric_set(context: Context, metric_set: MetricSet, faults: Sequence[Fault] = ()) -> MetricSet:
    """Keep the metric set of a detector; ``created``, ``modified`` and ``faults`` found already are the caller's business."""
    detector = context.resources.detector(metric_set.detector_arn)
    found = [*faults, *tag_faults(context.limits, metric_set.tags), *metric_set_faults(metric_set, detector.frequency, context.account)]
    _refuse(found)
    require_pass_role(context, metric_set.source.role_arn)
    _check_quotas(context, metric_set)
    if detector.status not in AT_REST:
        message = f"detector {detector.name!r} is {detector.status} and takes no metric set now"
        raise Conflict(message, METRIC_SET, metric_set.arn)
    context.resources.add_metric_set(metric_set)
    return metric_set


def list_metric_sets(context: Context, detector_arn: str | None, limit: int, after: str | None) -> Page[MetricSet]:
    """Metric sets of one detector or of all, in the order of the detectors' names."""
    if detector_arn is None:
        return context.resources.page(keys.METRIC_SETS, limit, after)
    context.resources.detector(detector_arn)
    return Page(context.resources.metric_sets(detector_arn))


def update_metric_set(context: Context, arn: str, change: MetricSetChange, faults: Sequence[Fault] = ()) -> MetricSet:
    """Change a metric set; of a live detector's only what needs no new learning, and nothing that an alert's filter names."""
    known = context.resources.metric_set(arn)
    given = {one.name: getattr(change, one.name) for one in fields(change) if getattr(change, one.name) is not None}

    def edit(detector: Detector, current: MetricSet | None) -> Watched:
        if current is None or current.arn != arn:
            raise NotFound(METRIC_SET, arn)
        different = {name: value for name, value in given.items() if value != getattr(current, name)}
        edited = replace(current, **different, modified=context.now)
        found = [*faults, *_state_faults(detector, frozenset(different)), *_alert_faults(context, edited)]
        _refuse([*found, *metric_set_faults(edited, detector.frequency, context.account)])
        _check_quotas(context, edited)
        return detector, edited

    if change.source is not None and not faults:
        require_pass_role(context, change.source.role_arn)
    detector, changed = context.resources.change_watched(known.detector_arn, edit)
    if changed is None:
        raise NotFound(METRIC_SET, arn)
    if changed.offset_seconds != known.offset_seconds and detector.status in LIVE:
        start_task(context, detector.arn, "schedule", detector.generation)
    return changed


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        raise InvalidInput(*faults)


def _alert_faults(context: Context, metric_set: MetricSet) -> Iterator[Fault]:
    """An alert whose filter names what is gone would never be heard of again."""
    for alert in context.resources.alerts(metric_set.detector_arn):
        for missing in filter_faults(alert, metric_set):
            where = "dimensions" if missing.field == "dimension_filters" else "measures"
            yield Fault(where, f"the alert {alert.name!r} filters by what is not there any more: {missing.message}; change the alert first")


def _check_quotas(context: Context, metric_set: MetricSet) -> None:
    limits = context.limits
    if len(metric_set.measures) > limits.measures:
        raise QuotaExceeded("measures per metric set", limits.measures, "MaxMeasures")
    if len(metric_set.dimensions) > limits.dimensions:
        raise QuotaExceeded("dimensions per metric set", limits.dimensions, "MaxDimensions")


def _state_faults(detector: Detector, changed: frozenset[str]) -> Iterator[Fault]:
    if detector.status in AT_REST or not changed:
        return
    if detector.status not in LIVE:
        yield Fault("arn", f"detector {detector.name!r} is {detector.status}; try again when it has come to rest")
        return
    for name in sorted(changed - WHILE_LIVE):
        yield Fault(name, f"cannot change while the detector is {detector.status}; deactivate it first")
