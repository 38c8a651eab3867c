"""Data quality in the figures that GetDataQualityMetrics knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l4m.service.runs.detector_job import DetectorJob
from l4m.sources.tables.read_report import ReadReport


def split_quality(quality: Mapping[str, Any], starts: Sequence[int], split: int) -> dict[str, Any]:
    """The figures of a backtest that trains until ``split``: when it trained and when it scored too, in epoch seconds."""
    moments = {"TRAINING": (starts[0], starts[split - 1]), "INFERENCE": (starts[split], starts[-1])}
    times = [
        _figure(f"BACKTEST_{stage}_DATA_{edge}_TIME_STAMP", moment, f"{edge.lower()} of the {stage.lower()} data")
        for stage, (first, last) in moments.items()
        for edge, moment in (("START", first), ("END", last))
    ]
    return {**quality, "metrics": [*quality["metrics"], *times]}


def describe_quality(job: DetectorJob, start: int, report: ReadReport) -> dict[str, Any]:
    """Figures of the rows that were read for the intervals from ``start`` on."""
    metric_set = job.metric_set
    columns = [*(measure.name for measure in metric_set.measures), *metric_set.dimensions]
    metrics = [
        _figure("ROWS_PROCESSED", report.rows, "rows read"),
        _figure("ROWS_PARTIAL_COMPLIANCE", report.rows_partial, "rows used although a measure had no number"),
        _figure("INVALID_ROWS_COMPLIANCE", report.rows_invalid, "rows that could not be used"),
        _figure("TIME_SERIES_COUNT", report.series * len(metric_set.measures), "measures times combinations of dimension values"),
        *(_completeness(column, report) for column in columns),
        *(_figure("DIMENSION_UNIQUENESS", report.series, "combinations this dimension is part of", name) for name in metric_set.dimensions),
    ]
    return {"metric_set": metric_set.arn, "start": start, "metrics": metrics}


def _completeness(column: str, report: ReadReport) -> dict[str, Any]:
    empty = report.empty_values.get(column, 0)
    share = 100.0 * (report.rows - empty) / report.rows if report.rows else 0.0
    return _figure("COLUMN_COMPLETENESS", round(share, 2), "percent of the rows with a value", column)


def _figure(kind: str, value: float, description: str, column: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "value": value, "description": description, "column": column}
