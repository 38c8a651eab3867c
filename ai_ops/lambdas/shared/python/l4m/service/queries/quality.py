"""The quality of the data that a detector read."""

from __future__ import annotations

from datetime import UTC, datetime

from l4m.answers import QualityMetric, QualityReport
from l4m.service.context import Context
from l4m.store.runs import Runs


def quality_reports(context: Context, detector_arn: str, metric_set_arn: str | None) -> tuple[QualityReport, ...]:
    """Figures of the last learning and of the newest run since; none before the first."""
    detector = context.resources.detector(detector_arn)
    if metric_set_arn is not None:
        context.resources.metric_set(metric_set_arn)
    runs = Runs(context.table, detector.name, detector.generation)
    pointer = runs.pointer()
    stored = [one for one in (runs.learning(), pointer.quality if pointer else None) if one]
    reports = []
    for report in stored:
        if metric_set_arn in (None, report["metric_set"]):
            metrics = tuple(QualityMetric(**metric) for metric in report["metrics"])
            reports.append(QualityReport(datetime.fromtimestamp(report["start"], UTC), {report["metric_set"]: metrics}))
    return tuple(reports)
