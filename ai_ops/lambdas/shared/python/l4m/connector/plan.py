"""What separates the detector that is there from the one that params.json describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from l4m.connector.desired_state import MANAGED, alert_fields, detector_fields, detector_tags, metric_set_fields
from l4m.connector.params import Params

QUIET = {"Offset"}  # fields of a metric set whose change leaves what was learned alone


class Action(StrEnum):
    """What is done to a resource."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One thing to do; ``fields`` ask for it; ``relearns`` when the detector has to learn anew for it."""

    action: Action
    resource: str
    name: str
    fields: tuple[str, ...] = ()
    relearns: bool = False

    def __str__(self) -> str:
        listed = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.action} {self.resource.replace('_', ' ')} {self.name}{listed}{': learns anew' if self.relearns else ''}"


@dataclass(frozen=True)
class Actual:
    """What the service answered about a detector; empty when there is none."""

    arn: str | None = None
    detector: Mapping[str, Any] = field(default_factory=dict)
    metric_set: Mapping[str, Any] = field(default_factory=dict)
    alerts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Where the detector stands in its life; empty when there is none."""
        return str(self.detector.get("Status", ""))


def plan(params: Params, history: str | None, actual: Actual) -> tuple[Change, ...]:
    """Every change, in the order in which it can be made; ``history`` is None where nothing was crawled."""
    before = (*_detector(params, actual), *_tags(params, history, actual), *_filters(params, actual))
    return (*before, *_metric_set(params, actual), *_alerts(params, actual))


def needs_replacement(params: Params, actual: Actual) -> bool:
    """Whether the detector has to be made anew: the API cannot change a metric set's timezone."""
    return bool(actual.metric_set) and actual.metric_set.get("Timezone", "UTC") != params.timezone


def _detector(params: Params, actual: Actual) -> Iterator[Change]:
    if actual.arn is None:
        yield Change(Action.CREATE, "detector", params.detector_name)
        return
    changed = _differences(detector_fields(params), actual.detector)
    if changed:
        yield Change(Action.UPDATE, "detector", params.detector_name, changed, "AnomalyDetectorConfig" in changed)


def _tags(params: Params, history: str | None, actual: Actual) -> Iterator[Change]:
    if actual.arn is None:
        return
    changed = tuple(name for name, value in detector_tags(params, history).items() if actual.tags.get(name) != value)
    if changed:
        yield Change(Action.UPDATE, "tags", params.detector_name, changed, relearns=changed != tuple(MANAGED))


def _filters(params: Params, actual: Actual) -> Iterator[Change]:
    """Filters that somebody gave an alert of ours: the API lets nothing go that a filter names, and params.json knows no filters."""
    there = {measure["MetricName"] for measure in params.measures} | set(params.dimensions)
    for name, found in actual.alerts.items():
        filters = found.get("AlertFilters", {})
        named = {*filters.get("MetricList", ()), *(one["DimensionName"] for one in filters.get("DimensionFilterList", ()))}
        if _is_ours(found) and named - there:
            yield Change(Action.UPDATE, "alert_filters", name, tuple(sorted(named - there)))


def _metric_set(params: Params, actual: Actual) -> Iterator[Change]:
    if not actual.metric_set:
        yield Change(Action.CREATE, "metric_set", params.metric_set_name, relearns=actual.arn is not None)
        return
    changed = _differences(metric_set_fields(params), actual.metric_set)
    if changed:
        yield Change(Action.UPDATE, "metric_set", params.metric_set_name, changed, relearns=not QUIET.issuperset(changed))


def _alerts(params: Params, actual: Actual) -> Iterator[Change]:
    alert = params.alert
    for name, found in actual.alerts.items():
        if _is_ours(found) and (alert is None or alert.name != name):
            yield Change(Action.DELETE, "alert", name)
    if alert is None:
        return
    if alert.name not in actual.alerts:
        yield Change(Action.CREATE, "alert", alert.name)
        return
    changed = _differences(alert_fields(params, alert), actual.alerts[alert.name])
    if changed:
        yield Change(Action.UPDATE, "alert", alert.name, changed)


def _is_ours(alert: Mapping[str, Any]) -> bool:
    return bool(MANAGED.items() <= alert.get("Tags", {}).items())


def _differences(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, value in wanted.items() if not _holds(actual.get(name), value))


def _holds(actual: Any, wanted: Any) -> bool:
    """Whether what is there says all that is wanted; it may say more, and lists of names may be in another order."""
    if isinstance(wanted, Mapping):
        return isinstance(actual, Mapping) and all(_holds(actual.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(actual, list | tuple) and len(actual) == len(wanted) and _same_items(list(actual), wanted)
    return bool(actual == wanted)


def _same_items(actual: list[Any], wanted: list[Any]) -> bool:
    return all(any(_holds(there, item) for there in actual) for item in wanted)
