"""Names of the service's resources across AWS: how an ARN is written and read."""

from __future__ import annotations

import re
from dataclasses import dataclass

DETECTOR = "AnomalyDetector"
METRIC_SET = "MetricSet"
ALERT = "Alert"

_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}"
_ARN = re.compile(
    rf"arn:(?P<partition>[a-z\d-]+):lookoutmetrics:(?P<region>[a-z\d-]+):(?P<account>\d{{12}}):"
    rf"(?:(?P<kind>{DETECTOR}|{ALERT}):(?P<name>{_NAME})|{METRIC_SET}/(?P<detector>{_NAME})/(?P<metric_set>{_NAME}))"
)
_ROLE = re.compile(r"arn:(?P<partition>[a-z\d-]+):iam::(?P<account>\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)


@dataclass(frozen=True)
class Scope:
    """The place in AWS that resources belong to."""

    partition: str
    region: str
    account: str

    def detector(self, name: str) -> str:
        """ARN of a detector."""
        return f"{self._prefix}:{DETECTOR}:{name}"

    def metric_set(self, detector: str, name: str) -> str:
        """ARN of a metric set."""
        return f"{self._prefix}:{METRIC_SET}/{detector}/{name}"

    def alert(self, name: str) -> str:
        """ARN of an alert."""
        return f"{self._prefix}:{ALERT}:{name}"

    @property
    def _prefix(self) -> str:
        return f"arn:{self.partition}:lookoutmetrics:{self.region}:{self.account}"


def kind_of(arn: str) -> str | None:
    """``AnomalyDetector``, ``MetricSet`` or ``Alert``; None for anything else."""
    match = _ARN.fullmatch(arn)
    return (match["kind"] or METRIC_SET) if match else None


def name_of(arn: str) -> str:
    """Name of a detector or alert; of a metric set, the name of its detector."""
    match = _ARN.fullmatch(arn)
    if not match:
        raise ValueError(f"{arn!r} is not the ARN of a detector, metric set or alert")
    return match["name"] or match["detector"]


def account_of_role(arn: str) -> str | None:
    """The account that a role's ARN names; None when it is not the ARN of a role."""
    match = _ROLE.fullmatch(arn)
    return match["account"] if match else None
