"""What became of each interval of a detector."""

from __future__ import annotations

from datetime import UTC, datetime

from l4m.findings import Execution, Page
from l4m.service.context import Context
from l4m.store.runs import ExecutionRecord, Runs


def list_executions(context: Context, detector_arn: str, timestamp: datetime | None, limit: int, after: str | None) -> Page[Execution]:
    """Executions, newest interval first, or the one of the interval that begins at a time."""
    detector = context.resources.detector(detector_arn)
    runs = Runs(context.table, detector.name, detector.generation)
    if timestamp is not None:
        record = runs.execution(int(timestamp.timestamp()))
        return Page((_execution(record),) if record else ())
    records, position = runs.executions(limit, after)
    return Page(tuple(map(_execution, records)), position)


def _execution(record: ExecutionRecord) -> Execution:
    return Execution(datetime.fromtimestamp(record.start, UTC), record.status, record.reason)
