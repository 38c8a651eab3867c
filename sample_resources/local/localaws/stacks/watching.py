"""Logs, alarms and dashboards."""

from collections.abc import Mapping
from typing import Any

from moto.core.common_models import CloudFormationModel

from localaws.stacks.resource import Deployed, is_true, number, only

NUMBERS = {"EvaluationPeriods": int, "DatapointsToAlarm": int, "Period": int, "Threshold": float}
ALARM = (
    *("AlarmDescription", "AlarmActions", "OKActions", "InsufficientDataActions", "ComparisonOperator", "Dimensions", "ExtendedStatistic"),
    *("MetricName", "Metrics", "Namespace", "Statistic", "TreatMissingData", "Unit"),
)


class LogGroup(Deployed, CloudFormationModel):
    """A log group with its retention."""

    TYPE = "AWS::Logs::LogGroup"
    NAME = "LogGroupName"

    def create(self) -> None:
        """Create the group."""
        self.cloud.client("logs").create_log_group(logGroupName=self.name)
        self.attributes = {"Arn": f"{self.cloud.place.arn('logs', f'log-group:{self.name}')}:*"}
        self.update({})

    def update(self, old: Mapping[str, Any]) -> None:
        """Set the retention."""
        if "RetentionInDays" in self.properties:
            self.cloud.client("logs").put_retention_policy(
                logGroupName=self.name, retentionInDays=number(self.properties["RetentionInDays"])
            )

    def remove(self) -> None:
        """Delete the group."""
        self.cloud.client("logs").delete_log_group(logGroupName=self.name)


class Alarm(Deployed, CloudFormationModel):
    """A metric alarm; it is kept, not evaluated."""

    TYPE = "AWS::CloudWatch::Alarm"
    NAME = "AlarmName"

    def create(self) -> None:
        """Put the alarm."""
        made = only(self.properties, *ALARM) | {key: kind(self.properties[key]) for key, kind in NUMBERS.items() if key in self.properties}
        if "ActionsEnabled" in self.properties:
            made["ActionsEnabled"] = is_true(self.properties["ActionsEnabled"])
        self.cloud.client("cloudwatch").put_metric_alarm(AlarmName=self.name, **made)
        self.attributes = {"Arn": self.cloud.place.arn("cloudwatch", f"alarm:{self.name}")}

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the alarm again."""
        self.create()

    def remove(self) -> None:
        """Delete the alarm."""
        self.cloud.client("cloudwatch").delete_alarms(AlarmNames=[self.name])


class Dashboard(Deployed, CloudFormationModel):
    """A dashboard."""

    TYPE = "AWS::CloudWatch::Dashboard"
    NAME = "DashboardName"

    def create(self) -> None:
        """Put the dashboard."""
        self.cloud.client("cloudwatch").put_dashboard(DashboardName=self.name, DashboardBody=self.properties["DashboardBody"])

    def update(self, old: Mapping[str, Any]) -> None:
        """Put the dashboard again."""
        self.create()

    def remove(self) -> None:
        """Delete the dashboard."""
        self.cloud.client("cloudwatch").delete_dashboards(DashboardNames=[self.name])
