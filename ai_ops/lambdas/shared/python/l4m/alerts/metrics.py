"""CloudWatch metrics as the old service had them, the score of each measure, and totals that an alarm can watch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "LookoutMetrics"  # AWS keeps names that begin with AWS/ to itself
MOST_AT_ONCE = 1000


@dataclass
class Metrics:
    """Figures of one run, sent together at its end; ``service`` tells one installation's totals from another's."""

    detector_arn: str
    service: str
    data: list[dict[str, Any]] = field(default_factory=list)

    def count_executions(self, outcome: str, count: int = 1) -> None:
        """Note runs that were Started, Succeeded or Failed."""
        if count:
            self._add(f"Executions{outcome}", count, "Count", AnomalyDetectorArn=self.detector_arn)
            self._add(f"Executions{outcome}", count, "Count", Service=self.service)

    def count_delivery(self, alert_arn: str, is_delivered: bool) -> None:
        """Note an alert that arrived or did not."""
        name = "Delivered" if is_delivered else "Undelivered"
        self._add(name, 1, "Count", AlertArn=alert_arn)
        self._add(name, 1, "Count", Service=self.service)

    def note_lag(self, seconds: int) -> None:
        """Note how long the oldest interval that is due has been waiting, 0 when none is."""
        self._add("DetectionLag", seconds, "Seconds", AnomalyDetectorArn=self.detector_arn)
        self._add("DetectionLag", seconds, "Seconds", Service=self.service)

    def note_scores(self, measures: Iterable[str], groups: Iterable[Mapping[str, Any]]) -> None:
        """Note the highest severity of each measure, 0 where nothing was found."""
        scores = dict.fromkeys(measures, 0.0)
        for group in groups:
            scores[group["measure"]] = max(scores.get(group["measure"], 0.0), group["score"])
        for measure, score in scores.items():
            self._add("AnomalyScore", score, "None", AnomalyDetectorArn=self.detector_arn, MeasureName=measure)

    def send(self, cloudwatch: Any) -> None:
        """Send and forget them."""
        for first in range(0, len(self.data), MOST_AT_ONCE):
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=self.data[first : first + MOST_AT_ONCE])
        self.data.clear()

    def _add(self, name: str, value: float, unit: str, **dimensions: str) -> None:
        named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
        self.data.append({"MetricName": name, "Value": value, "Unit": unit, "Dimensions": named})
