"""What tests of the service alone, with more series than one function learns, share: its stack, its data, and what they ask of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from localaws import LocalAws
from localaws.demo.stage import ROOT

from .orders import create_detector

BUCKET, STACK = "large-data", "large"
TEMPLATE = ROOT / "ai_ops" / "l4m-service.yaml"
SHOPS = 24
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)  # what is live then is not learned


@dataclass(frozen=True)
class Service:
    """The service alone, with a history of the sales of some shops."""

    aws: LocalAws
    role: str

    @property
    def api(self) -> Any:
        """The API's client."""
        return self.aws.client("lookoutmetrics")

    @property
    def machine(self) -> str:
        """ARN of the state machine."""
        (machine,) = [
            one["stateMachineArn"]
            for one in self.aws.client("stepfunctions").list_state_machines()["stateMachines"]
            if one["name"] == f"{STACK}-learn"
        ]
        return str(machine)

    def deploy(self, at_once: int) -> dict[str, str]:
        """The service, whose function learns so many series at once."""
        return self.aws.deploy(TEMPLATE, STACK, {"SeriesAtOnce": at_once})

    def detector(self, name: str) -> dict[str, str]:
        """A new detector with its metric set."""
        return create_detector(self.api, name, self.role, BUCKET, DimensionList=["shop"])

    def described(self, about: dict[str, str]) -> tuple[str, str | None]:
        """Status, and reason of a failure."""
        found = self.api.describe_anomaly_detector(**about)
        return found["Status"], found.get("FailureReason")

    def is_gone(self, about: dict[str, str]) -> bool:
        """Whether there is no such detector any more."""
        listed = self.api.list_anomaly_detectors(MaxResults=100)["AnomalyDetectorSummaryList"]
        return about["AnomalyDetectorArn"] not in [one["AnomalyDetectorArn"] for one in listed]

    def executions(self) -> list[str]:
        """How the machine's executions ended, oldest first."""
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.machine)["executions"]
        return [one["status"] for one in sorted(found, key=lambda one: one["startDate"])]

    def left_over(self) -> list[str]:
        """What steps handed to each other and nobody removed."""
        s3, names = self.aws.client("s3"), [one["Name"] for one in self.aws.client("s3").list_buckets()["Buckets"]]
        (bucket,) = [name for name in names if name.startswith(f"{STACK}-statebucket")]
        return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix="_shards/").get("Contents", ())]

    def groups(self, about: dict[str, str]) -> list[tuple[Any, ...]]:
        """Time, score and contributions of all groups."""
        listed = self.api.list_anomaly_group_summaries(**about, SensitivityThreshold=0, MaxResults=100)["AnomalyGroupSummaryList"]
        found = [self.api.get_anomaly_group(**about, AnomalyGroupId=one["AnomalyGroupId"])["AnomalyGroup"] for one in listed]
        return sorted((one["StartTime"], one["AnomalyGroupScore"], json.dumps(one["MetricLevelImpactList"])) for one in found)

    def tested(self, about: dict[str, str]) -> list[tuple[Any, ...]]:
        """The groups of a backtest that runs, once it is over; its detector goes."""
        self.aws.wait_idle(300)
        assert self.described(about) == ("BACK_TEST_COMPLETE", None)
        found = self.groups(about)
        self.api.delete_anomaly_detector(**about)
        self.aws.wait_idle(60)
        return found

    def run(self, about: dict[str, str], function: str, hours: int) -> None:
        """The live hours after the history, in all of which some shops sell next to nothing."""
        for hour in range(hours):
            self.aws.client("s3").put_object(
                Bucket=BUCKET, Key=f"live/{NOW + timedelta(hours=hour):%Y%m%d%H}/orders.csv", Body=csv([hour], drop_from=0)
            )
            event = {"detector": about["AnomalyDetectorArn"], "task": "run", "time": (NOW + timedelta(hours=hour + 1)).isoformat()}
            self.aws.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())


def csv(hours: list[int], drop_from: int = 10**6) -> bytes:
    """Orders of all shops, a wave over the day; some shops drop from an hour on."""
    lines = ["time,shop,orders"]
    for hour in hours:
        for shop in range(SHOPS):
            orders = (200 + 40 * shop) * (1 + 0.4 * math.sin(hour * math.pi / 12)) + (hour * 37 + shop * 11) % 17
            factor = 0.1 if hour >= drop_from and shop < 8 else 1
            lines.append(f"{NOW + timedelta(hours=hour):%Y-%m-%d %H:%M:%S},s{shop:02},{orders * factor:.0f}")
    return "\n".join([*lines, ""]).encode()
