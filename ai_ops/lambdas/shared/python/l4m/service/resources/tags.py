"""Tags of detectors, metric sets and alerts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from l4m.arns import ALERT, DETECTOR, kind_of
from l4m.errors import Fault, InvalidInput
from l4m.model import Alert, Detector, MetricSet
from l4m.service.context import Context, Limits
from l4m.service.resources.options import find_options, option_faults

RESERVED = "aws:"
Resource = Detector | MetricSet | Alert


def list_tags(context: Context, arn: str) -> Mapping[str, str]:
    """The tags of a resource."""
    return _find(context, arn).tags


def tag_resource(context: Context, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags to a resource or change their values."""

    def edit(current: Resource) -> Resource:
        merged = {**current.tags, **tags}
        check_tags(context.limits, tags, len(merged), is_detector=isinstance(current, Detector))
        return replace(current, tags=merged)

    context.resources.change(_find(context, arn), edit)


def untag_resource(context: Context, arn: str, names: Collection[str]) -> None:
    """Take tags off a resource; one that is not there is no error."""
    context.resources.change(
        _find(context, arn), lambda current: replace(current, tags={k: v for k, v in current.tags.items() if k not in names})
    )


def check_tags(limits: Limits, tags: Mapping[str, str], total: int | None = None, *, is_detector: bool = False) -> None:
    """Refuse what ``tag_faults`` finds."""
    faults = tag_faults(limits, tags, total, is_detector=is_detector)
    if faults:
        raise InvalidInput(*faults)


def tag_faults(limits: Limits, tags: Mapping[str, str], total: int | None = None, *, is_detector: bool = False) -> list[Fault]:
    """Reserved names, too many tags, and options that cannot be used or stand where they have no effect."""
    faults = [Fault("tags", f"{name!r} begins with the reserved {RESERVED!r}") for name in tags if name.lower().startswith(RESERVED)]
    count = len(tags) if total is None else total
    if count > limits.tags:
        faults.append(Fault("tags", f"there would be {count} tags, {limits.tags} are allowed"))
    if is_detector:
        faults += option_faults(tags)
    else:
        faults += [Fault("tags", f"{name!r} has an effect on detectors only") for name in find_options(tags)]
    return faults


def _find(context: Context, arn: str) -> Resource:
    kind = kind_of(arn)
    if kind == DETECTOR:
        return context.resources.detector(arn)
    return context.resources.alert(arn) if kind == ALERT else context.resources.metric_set(arn)
