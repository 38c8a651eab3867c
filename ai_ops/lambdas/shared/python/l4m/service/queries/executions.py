"""What became of each interval of a detector, for those who ask."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

from l4m.answers import Execution, Page
from l4m.service.context import Context
from l4m.store.runs import ExecutionRecord, Runs


def list_executions(context: Context, detector_arn: str, timestamp: datetime | None, limit: int, after: str | None) -> Page[Execution]:
    """Executions, newest interval first; with a timestamp, that interval's only."""
    detector = context.resources.detector(detector_arn)
    runs = Runs(context.table, detector.name, detector.generation)
    if timestamp is not None:
        one = runs.execution(int(timestamp.timestamp()))
        return Page((_show(one),) if one else ())
    found = list(islice(runs.executions(after), limit + 1))
    items = tuple(_show(record) for _, record in found[:limit])
    return Page(items, found[limit - 1][0] if len(found) > limit else None)


def _show(record: ExecutionRecord) -> Execution:
    return Execution(datetime.fromtimestamp(record.start, UTC), record.status, record.reason)
