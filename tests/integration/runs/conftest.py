"""A small world in moto: a table, two buckets, a detector of hourly sales, and files to feed it with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from l4m.model import Alert, CsvFormat, Detector, DetectorStatus, Frequency, Measure, MetricSet, S3Source, SnsTarget, TimestampColumn
from l4m.service.context import Context, RunEnvironment
from l4m.service.runs.dispatch import perform
from l4m.store.series import SavedState
from l4m.store.table import Table

from .clients import REGION, Clients

ACCOUNT = "123456789012"
PREFIX = f"arn:aws:lookoutmetrics:{REGION}:{ACCOUNT}"
DETECTOR, ALERT = f"{PREFIX}:AnomalyDetector:sales", f"{PREFIX}:Alert:pager"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/LookoutForMetricsRole"
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
HISTORY_HOURS = 24 * 13  # a little more than a cold start
SHOPS = [(country, device) for country in ("de", "fr", "us") for device in ("app", "web")]


@dataclass
class World:
    """What a test works with."""

    context: Context
    topic: str
    inbox: str
    dead_letters: str
    received: list[dict[str, Any]] = field(default_factory=list)
    arn: str = DETECTOR
    shops: tuple[tuple[str, str], ...] = tuple(SHOPS)
    us: tuple[tuple[str, str], ...] = tuple(shop for shop in SHOPS if shop[0] == "us")
    history_hours: int = HISTORY_HOURS

    def do(self, task: str, **more: Any) -> None:
        """Do one task as the run function does."""
        perform(self.context, {"detector": DETECTOR, "task": task, **more})

    def run(self, hour: int) -> None:
        """The run that is due at the end of an hour, counted from the end of the history."""
        moment = live(hour) + timedelta(hours=1, seconds=300)
        self.do("run", time=moment.isoformat())

    def learn(self) -> None:
        """Activate and learn."""
        self.move(DetectorStatus.ACTIVATING)
        self.do("learn", generation=1)

    def move(self, status: DetectorStatus, generation: int = 1) -> None:
        """Bring the detector into a state, as an API call does."""
        self.context.resources.change(self.detector, lambda one: replace(one, status=status, generation=generation))

    @property
    def metric_set(self) -> MetricSet:
        """The metric set as it stands."""
        return self.context.resources.metric_sets(DETECTOR)[0]

    def live(self, hour: int) -> datetime:
        """Begin of an hour after the history."""
        return live(hour)

    def history_hour(self, hour: int) -> datetime:
        """Begin of an hour of the history."""
        return BEGIN + timedelta(hours=hour)

    def csv(self, starts: list[datetime], factors: dict[tuple[str, str], float] | None = None) -> str:
        """Sales of some hours as a file."""
        return csv_of(starts, factors)

    @property
    def detector(self) -> Detector:
        """The detector as it stands."""
        return self.context.resources.detector(DETECTOR)

    def put_live(self, hour: int, factor: float = 1.0, shops: Any = None, rows: str | None = None) -> None:
        """Land the file of an hour; ``factor`` changes the sales of ``shops`` (all of them by default)."""
        start = live(hour)
        key = f"live/{start:%Y%m%d}/{start:%H%M}/part.csv"
        self.put(key, rows if rows is not None else csv_of([start], dict.fromkeys(shops or SHOPS, factor)))

    def put(self, key: str, text: str) -> None:
        """Land a file."""
        self.context.clients.client("s3").put_object(Bucket="data", Key=key, Body=text.encode())

    def mails(self) -> list[dict[str, Any]]:
        """What the alert's topic received, oldest first."""
        self.received += [json.loads(one["Message"]) for one in self._drain(self.inbox)]
        return self.received

    def last_state(self) -> tuple[bytes, list[Any]]:
        """What was learned, as the newest state keeps it."""
        objects = self.contents()["objects"]
        state = SavedState.from_bytes(objects[max(key for key in objects if "/state/" in key)])
        return state.monitor, [array.tobytes() for array in state.history.to_arrays().values()]

    def catch_invocations(self) -> list[dict[str, Any]]:
        """From now on invocations of Lambda are kept here instead of being sent."""
        caught: list[dict[str, Any]] = []

        def keep(params: dict[str, Any], **_: Any) -> Any:
            caught.append(json.loads(params["body"]))
            return AWSResponse("", 202, {}, None), {"StatusCode": 202}

        self.context.clients.client("lambda").meta.events.register("before-call.lambda.Invoke", keep)
        return caught

    def letters(self) -> list[dict[str, Any]]:
        """What could not be delivered since this was asked last."""
        return self._drain(self.dead_letters)

    def _drain(self, queue: str) -> list[dict[str, Any]]:
        sqs, found = self.context.clients.client("sqs"), []
        while answer := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in answer:
                found.append(json.loads(one["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return found

    def contents(self) -> dict[str, Any]:
        """Everything the service keeps, to compare two worlds with."""
        client = self.context.table.client
        items = client.scan(TableName="table", ConsistentRead=True)["Items"]
        rows = {f"{item['pk']['S']}|{item['sk']['S']}": item["doc"]["S"] for item in items}
        s3 = self.context.clients.client("s3")
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="state").get("Contents", ())]
        return {"items": items, "rows": rows, "objects": {key: s3.get_object(Bucket="state", Key=key)["Body"].read() for key in keys}}

    def restore(self, contents: dict[str, Any]) -> None:
        """Bring table and bucket back to what they were, and empty the queues."""
        self.context.clients.watch()
        table, s3 = self.context.table, self.context.clients.client("s3")
        now = self.contents()
        for row in now["items"]:
            table.client.delete_item(TableName="table", Key={"pk": row["pk"], "sk": row["sk"]})
        for item in contents["items"]:
            table.client.put_item(TableName="table", Item=item)
        for key in now["objects"].keys() - contents["objects"].keys():
            s3.delete_object(Bucket="state", Key=key)
        for key, body in contents["objects"].items():
            s3.put_object(Bucket="state", Key=key, Body=body)
        self.mails()
        self.letters()
        self.received.clear()


def live(hour: int) -> datetime:
    """Begin of an hour after the history."""
    return BEGIN + timedelta(hours=HISTORY_HOURS + hour)


def csv_of(starts: list[datetime], factors: dict[tuple[str, str], float] | None = None) -> str:
    """Sales of some hours: a daily wave, a little seeded noise, and a factor per shop."""
    lines = ["timestamp,country,device,sales,visits"]
    for start in starts:
        hours = int((start - BEGIN).total_seconds()) // 3600
        rng = np.random.default_rng(hours)
        for number, shop in enumerate(SHOPS):
            level = 100 * (number + 1) * (1 + 0.5 * np.sin(2 * np.pi * (hours % 24) / 24)) * (1 + 0.03 * rng.standard_normal())
            factor = (factors or {}).get(shop, 1.0)
            lines.append(f"{start:%Y-%m-%d %H:%M:%S},{shop[0]},{shop[1]},{level * factor:.3f},{4 * level:.3f}")
    return "\n".join(lines) + "\n"


def metric_set(**changes: Any) -> MetricSet:
    """The metric set of the world's detector."""
    source = S3Source(ROLE, "s3://data/live/{{yyyyMMdd}}/{{HHmm}}", "s3://data/history/", CsvFormat())
    made = MetricSet(
        arn=f"{PREFIX}:MetricSet/sales/set",
        detector_arn=DETECTOR,
        name="set",
        measures=(Measure("sales"), Measure("visits")),
        source=source,
        frequency=Frequency.PT1H,
        created=BEGIN,
        modified=BEGIN,
        dimensions=("country", "device"),
        timestamp=TimestampColumn("timestamp", "yyyy-MM-dd HH:mm:ss"),
        offset_seconds=300,
    )
    return replace(made, **changes)


def build_world() -> World:
    """A world inside a running mock_aws."""
    clients = Clients()
    dynamodb, s3, sns, sqs = (clients.client(name) for name in ("dynamodb", "s3", "sns", "sqs"))
    dynamodb.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    for bucket in ("data", "state"):
        s3.create_bucket(Bucket=bucket)
    clients.client("scheduler").create_schedule_group(Name="detectors")
    clients.client("stepfunctions").create_state_machine(name="learn", definition="{}", roleArn=ROLE)
    topic = sns.create_topic(Name="pager")["TopicArn"]
    inbox = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:inbox")
    environment = RunEnvironment(
        schedule_group="detectors",
        schedule_role_arn=ROLE,
        undelivered_queue_url=dead,
        schedule_queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead",
        learn_machine_arn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:learn",
    )
    context = Context(
        clients=clients,
        table=Table(dynamodb, "table"),
        bucket="state",
        region=REGION,
        account=ACCOUNT,
        partition="aws",
        now=BEGIN + timedelta(hours=HISTORY_HOURS, minutes=10),
        run_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:run-detection",
        environment=environment,
    )
    return World(context, topic, inbox, dead)


def furnish(world: World) -> World:
    """Give the world its detector, metric set, alert and history."""
    resources = world.context.resources
    resources.add_detector(Detector(DETECTOR, "sales", Frequency.PT1H, BEGIN, BEGIN))
    resources.add_metric_set(metric_set())
    resources.add_alert(Alert(ALERT, DETECTOR, "pager", SnsTarget(ROLE, world.topic), BEGIN, BEGIN, threshold=40))
    world.put("history/all.csv", csv_of([BEGIN + timedelta(hours=hour) for hour in range(HISTORY_HOURS)]))
    return world


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A furnished world."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield furnish(build_world())
