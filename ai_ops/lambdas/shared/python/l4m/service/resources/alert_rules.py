"""What must hold for an alert beyond the shape of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

from l4m.errors import Fault
from l4m.model import Alert, LambdaTarget, MetricSet, SnsTarget
from l4m.sources.roles import role_faults

_TOPIC = re.compile(r"arn:[a-z\d-]+:sns:[a-z\d-]+:\d{12}:[A-Za-z0-9_-]{1,256}")
_FUNCTION = re.compile(r"arn:[a-z\d-]+:lambda:[a-z\d-]+:\d{12}:function:[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9$_-]{1,129})?")


def alert_faults(alert: Alert, metric_set: MetricSet | None, account: str) -> list[Fault]:
    """Everything that is wrong with an alert on a detector with that metric set."""
    return [*_target_faults(alert.target, account), *filter_faults(alert, metric_set)]


def _target_faults(target: SnsTarget | LambdaTarget, account: str) -> Iterator[Fault]:
    yield from role_faults("target.role_arn", target.role_arn, account)
    if isinstance(target, SnsTarget):
        if not _TOPIC.fullmatch(target.topic_arn):
            yield Fault("target.topic_arn", f"{target.topic_arn!r} is not the ARN of a standard SNS topic")
    elif not _FUNCTION.fullmatch(target.function_arn):
        yield Fault("target.function_arn", f"{target.function_arn!r} is not the ARN of a Lambda function")


def filter_faults(alert: Alert, metric_set: MetricSet | None) -> Iterator[Fault]:
    """Everything in an alert's filters that the metric set does not have."""
    if not alert.measures and not alert.dimension_filters:
        return
    if metric_set is None:
        yield Fault("filters", "the detector has no metric set yet whose measures and dimensions could be filtered")
        return
    known = {measure.name for measure in metric_set.measures}
    for index, name in enumerate(alert.measures):
        if name not in known:
            yield Fault(f"measures[{index}]", f"{name!r} is not a measure of the detector")
    for name in alert.dimension_filters:
        if name not in metric_set.dimensions:
            yield Fault("dimension_filters", f"{name!r} is not a dimension of the detector")
