"""Detectors: create, describe, change, list, start, stop, delete."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from l4m.answers import Page
from l4m.arns import DETECTOR
from l4m.errors import Conflict, Fault, InvalidInput, QuotaExceeded
from l4m.model import Detector, DetectorStatus, Frequency, MetricSet
from l4m.service.context import Context
from l4m.service.resources.tags import check_tags
from l4m.service.tasks import TASKS, UNDER_WAY, start_task
from l4m.sources.registry import find_source
from l4m.store import keys
from l4m.store.resources import Watched

AT_REST = frozenset({DetectorStatus.INACTIVE, DetectorStatus.DEACTIVATED, DetectorStatus.BACK_TEST_COMPLETE, DetectorStatus.FAILED})
LIVE = frozenset({DetectorStatus.LEARNING, DetectorStatus.ACTIVE})
STOPPABLE = LIVE | UNDER_WAY
FIRST_GENERATIONS = 10**15  # so many that a name that comes back shares none with its old bearer, whose work may go on or be remembered
STUCK_AFTER = timedelta(hours=2)  # Lambda has given up on a task by then: three attempts of a quarter of an hour


@dataclass(frozen=True)
class DetectorChange:
    """What is to change about a detector; None leaves a thing as it is."""

    description: str | None = None
    kms_key_arn: str | None = None
    frequency: Frequency | None = None


def create_detector(
    context: Context,
    name: str,
    frequency: Frequency,
    *,
    description: str | None = None,
    kms_key_arn: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> Detector:
    """Keep a new, inactive detector."""
    check_tags(context.limits, tags or {}, is_detector=True)
    if context.resources.count_detectors() >= context.limits.detectors:
        raise QuotaExceeded("detectors", context.limits.detectors, "MaxDetectors")
    detector = Detector(
        context.scope.detector(name),
        name,
        frequency,
        context.now,
        context.now,
        description,
        kms_key_arn,
        tags=dict(tags or {}),
        generation=secrets.randbelow(FIRST_GENERATIONS),
    )
    context.resources.add_detector(detector)
    return detector


def list_detectors(context: Context, limit: int, after: str | None) -> Page[Detector]:
    """Detectors in the order of their names."""
    return context.resources.page(keys.DETECTORS, limit, after)


def update_detector(context: Context, arn: str, change: DetectorChange) -> Detector:
    """Change a detector; its frequency only while it is at rest, and then its metric set's with it."""

    def edit(current: Detector, metric_set: MetricSet | None) -> Watched:
        _refuse_deleted(current)
        frequency = change.frequency or current.frequency
        if frequency != current.frequency and current.status not in AT_REST:
            raise InvalidInput(Fault("frequency", f"cannot change while the detector is {current.status}; deactivate it first"))
        if metric_set and metric_set.frequency != frequency:
            metric_set = replace(metric_set, frequency=frequency, modified=context.now)
        edited = replace(
            current,
            description=current.description if change.description is None else change.description,
            kms_key_arn=current.kms_key_arn if change.kms_key_arn is None else change.kms_key_arn,
            frequency=frequency,
            modified=context.now,
        )
        return edited, metric_set

    return context.resources.change_watched(arn, edit)[0]


def activate_detector(context: Context, arn: str) -> None:
    """Start learning from history, then watching; needs a metric set with a path for new data."""
    _start(context, arn, DetectorStatus.ACTIVATING, "learn")


def backtest_detector(context: Context, arn: str) -> None:
    """Start a backtest over the metric set's history; it can be repeated."""
    _start(context, arn, DetectorStatus.BACK_TEST_ACTIVATING, "backtest")


def deactivate_detector(context: Context, arn: str) -> None:
    """Stop watching, or call off the learning or backtest that is under way."""
    _stop(context, arn, DetectorStatus.DEACTIVATING, STOPPABLE, "deactivate")


def delete_detector(context: Context, arn: str) -> None:
    """Start to delete a detector with its metric set, alerts, groups, feedback and learned state."""
    _stop(context, arn, DetectorStatus.DELETING, AT_REST | STOPPABLE, "delete")


def _start(context: Context, arn: str, status: DetectorStatus, task: str) -> None:
    def edit(current: Detector, metric_set: MetricSet | None) -> Watched:
        if metric_set is None:
            raise InvalidInput(Fault("detector_arn", f"detector {current.name!r} has no metric set yet"))
        if faults := [*find_source(metric_set.source).start_faults(metric_set.source, task)]:
            raise InvalidInput(*faults)
        return replace(_moved(context, current, status, AT_REST), generation=current.generation + 1), metric_set

    _launch(context, context.resources.change_watched(arn, edit)[0], task)


def _stop(context: Context, arn: str, status: DetectorStatus, allowed: Collection[DetectorStatus], task: str) -> None:
    def edit(current: Detector) -> Detector:
        return _moved(context, current, status, allowed)

    _launch(context, context.resources.change(context.resources.detector(arn), edit), task)


def _moved(context: Context, current: Detector, status: DetectorStatus, allowed: Collection[DetectorStatus]) -> Detector:
    if current.status not in allowed and not _is_stuck(current, context.now):
        possible = ", ".join(sorted(allowed))
        raise Conflict(f"detector {current.name!r} is {current.status}; this needs one of {possible}", DETECTOR, current.arn)
    return replace(current, status=status, failure_type=None, failure_reason=None, modified=context.now)


def _is_stuck(detector: Detector, now: datetime) -> bool:
    """Whether a detector is on its way for so long that whatever moved it must have died; then it takes any new order."""
    return detector.status not in AT_REST | LIVE and now - detector.modified > STUCK_AFTER


def _launch(context: Context, detector: Detector, task: str) -> None:
    """Start the task of a state; a detector whose task could not be started has failed, and does not hang."""
    is_started = False
    try:
        start_task(context, detector.arn, task, detector.generation)
        is_started = True
    finally:
        if not is_started:
            context.resources.move_detector(
                detector.arn,
                detector.generation,
                DetectorStatus.FAILED,
                allowed={detector.status},
                now=context.now,
                failure_type=TASKS[task].failure,
                failure_reason="the run function could not be started; try again",
            )


def _refuse_deleted(detector: Detector) -> None:
    if detector.status is DetectorStatus.DELETING:
        raise Conflict(f"detector {detector.name!r} is being deleted", DETECTOR, detector.arn)
