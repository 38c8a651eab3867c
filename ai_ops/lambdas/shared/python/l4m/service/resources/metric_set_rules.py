"""What must hold for a metric set beyond the shape of its fields; each rule yields every fault it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from zoneinfo import ZoneInfo

from l4m.errors import Fault, InvalidInput
from l4m.model import Frequency, MetricSet
from l4m.sources.registry import find_source
from l4m.sources.tables.timestamps import check_format


def metric_set_faults(metric_set: MetricSet, detector_frequency: Frequency, account: str) -> list[Fault]:
    """Everything that is wrong with a metric set for a detector of that frequency, in that account."""
    faults = [fault for rule in RULES for fault in rule(metric_set)]
    if metric_set.frequency != detector_frequency:
        faults.append(Fault("frequency", f"is {metric_set.frequency}, but has to be the detector's, {detector_frequency}"))
    return [*faults, *find_source(metric_set.source).faults(metric_set, account)]


def check_names_once(metric_set: MetricSet) -> Iterator[Fault]:
    """A measure, a dimension and a filter are named once."""
    names = {"measures": [one.name for one in metric_set.measures], "dimensions": metric_set.dimensions}
    for where, listed in names.items():
        yield from (Fault(where, f"{name!r} is listed {count} times") for name, count in _repeated(listed))


def check_columns_apart(metric_set: MetricSet) -> Iterator[Fault]:
    """A column is a measure, a dimension or the timestamp, never two of them."""
    measures = {one.name for one in metric_set.measures}
    dimensions = set(metric_set.dimensions)
    yield from (Fault("dimensions", f"{name!r} is a measure too") for name in sorted(measures & dimensions))
    if metric_set.timestamp and metric_set.timestamp.name in measures:
        yield Fault("timestamp.name", f"{metric_set.timestamp.name!r} is a measure too")
    if metric_set.timestamp and metric_set.timestamp.name in dimensions:
        yield Fault("timestamp.name", f"{metric_set.timestamp.name!r} is a dimension too")


def check_timestamp(metric_set: MetricSet) -> Iterator[Fault]:
    """Texts need a timestamp column in a known format; a format of another source is checked when it is given."""
    timestamp = metric_set.timestamp
    needs_format = find_source(metric_set.source).needs_format
    if timestamp is None:
        if needs_format:
            yield Fault("timestamp", "is required for files in S3")
        return
    if not timestamp.name:
        yield Fault("timestamp.name", "is required")
    if timestamp.format:
        yield from _format_faults(timestamp.format)
    elif needs_format:
        yield Fault("timestamp.format", "is required for files in S3")


def check_timezone(metric_set: MetricSet) -> Iterator[Fault]:
    """The timezone is one of the IANA database."""
    try:
        ZoneInfo(metric_set.timezone)
    except (ValueError, KeyError, OSError):
        yield Fault("timezone", f"{metric_set.timezone!r} is not a timezone of the IANA database, such as Europe/Berlin")


def check_filters(metric_set: MetricSet) -> Iterator[Fault]:
    """Filters are on dimensions of the metric set."""
    for name in metric_set.filters:
        if name not in metric_set.dimensions:
            yield Fault("filters", f"{name!r} is not a dimension of the metric set")


def _format_faults(pattern: str) -> list[Fault]:
    try:
        check_format(pattern)
    except InvalidInput as error:
        return [Fault("timestamp.format", fault.message) for fault in error.faults]
    return []


def _repeated(names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in Counter(names).items() if count > 1]


RULES: tuple[Callable[[MetricSet], Iterator[Fault]], ...] = (
    check_names_once,
    check_columns_apart,
    check_timestamp,
    check_timezone,
    check_filters,
)
