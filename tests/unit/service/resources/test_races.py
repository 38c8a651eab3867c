"""Two calls on one detector at the same time end as if one had come after the other, whichever way they meet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from tests.unit.interrupted import Interrupted
from tests.unit.memory_table import MemoryTable

from l4m.arns import Scope
from l4m.errors import L4mError
from l4m.model import CsvFormat, Detector, DetectorStatus, Frequency, Measure, MetricSet, S3Source, TimestampColumn
from l4m.service.context import Context
from l4m.service.resources.detectors import DetectorChange, activate_detector, deactivate_detector, delete_detector, update_detector
from l4m.service.resources.metric_sets import MetricSetChange, update_metric_set
from l4m.store.resources import Resources
from l4m.store.table import Table

NOW = datetime(2026, 3, 1, 4, 25, tzinfo=UTC)
SCOPE = Scope("aws", "us-east-1", "123456789012")
ARN, SET = SCOPE.detector("sales"), SCOPE.metric_set("sales", "orders")
SOURCE = S3Source("arn:aws:iam::123456789012:role/LookoutForMetricsRole", "s3://a/{{yyyyMMddHH}}", "s3://a/past/", CsvFormat())
NO_LIVE = replace(SOURCE, templated_path=None)
Call = Callable[[Context], Any]
CALLS: dict[str, Call] = {
    "measures": lambda context: update_metric_set(context, SET, MetricSetChange(measures=(Measure("clicks"),))),
    "no live path": lambda context: update_metric_set(context, SET, MetricSetChange(source=NO_LIVE)),
    "frequency": lambda context: update_detector(context, ARN, DetectorChange(frequency=Frequency.P1D)),
    "activate": lambda context: activate_detector(context, ARN),
    "deactivate": lambda context: deactivate_detector(context, ARN),
    "delete": lambda context: delete_detector(context, ARN),
}
PAIRS = [
    ("measures", "no live path"),
    *permutations(("measures", "activate"), 2),
    *permutations(("measures", "frequency"), 2),
    *permutations(("measures", "delete"), 2),
    *permutations(("no live path", "activate"), 2),
    *permutations(("frequency", "activate"), 2),
    *permutations(("activate", "deactivate"), 2),
    *permutations(("activate", "delete"), 2),
]


class Starter:
    """Stands where Lambda is: tasks are started and never done."""

    def client(self, service: str) -> Any:
        """Lambda."""
        return self

    assume = client

    def invoke(self, **_: Any) -> None:
        """Take an order."""


@pytest.fixture
def dynamodb() -> MemoryTable:
    """An empty table."""
    return MemoryTable()


@pytest.fixture
def world(dynamodb: Any) -> Callable[..., Context]:
    """Puts a detector at rest with its metric set into the table; returns how it is called."""

    resources = Resources(Table(dynamodb, "l4m"))
    resources.add_detector(Detector(ARN, "sales", Frequency.PT1H, NOW, NOW))
    timestamp = TimestampColumn("ts", "UNIX")
    resources.add_metric_set(MetricSet(SET, ARN, "orders", (Measure("views"),), SOURCE, Frequency.PT1H, NOW, NOW, timestamp=timestamp))
    items = dynamodb.scan(TableName="l4m")["Items"]

    def begin(client: Any = dynamodb) -> Context:
        for item in items:
            dynamodb.put_item(TableName="l4m", Item=item)
        context = Context(Starter(), Table(client, "l4m"), "state", "us-east-1", "123456789012", "aws", NOW, "arn:function")
        return replace(context, caller="arn:aws:iam::123456789012:root")

    return begin


def outcome(call: Call, context: Context) -> str:
    """What the caller learns."""
    try:
        call(context)
    except L4mError as error:
        return type(error).__name__
    return "done"


def end_state(context: Context) -> tuple[Any, ...]:
    """What is kept in the end."""
    detector, metric_set = context.resources.detector(ARN), context.resources.metric_set(SET)
    return detector.status, detector.generation, detector.frequency, replace(metric_set, modified=NOW)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_call_that_comes_in_between_any_two_steps_of_another(world: Any, dynamodb: Any, first: str, second: str) -> None:
    serial = []
    for order in ((first, second), (second, first)):
        context = world()
        told = {name: outcome(CALLS[name], context) for name in order}
        serial.append((told, end_state(context)))
    at, client = 0, Interrupted(dynamodb)
    while client.calls >= client.at:
        told, client = {}, Interrupted(dynamodb, at)
        context = world(client)
        plain = replace(context, table=Table(dynamodb, "l4m"))
        client.other = lambda told=told, plain=plain: told.update({second: outcome(CALLS[second], plain)})
        told[first] = outcome(CALLS[first], context)
        if second not in told:  # the first call was over before
            break
        assert (told, end_state(plain)) in serial, f"{second} before step {at} of {first}"
        at += 1
    assert at > 1


def test_many_updates_at_once_all_count(world: Any, dynamodb: Any) -> None:
    context = world(Interrupted(dynamodb))

    def tag(number: int) -> None:
        metric_set = context.resources.metric_set(SET)
        for _ in range(1000):
            with suppress(L4mError):  # too much going on: the caller tries again
                context.resources.change(metric_set, lambda one: replace(one, tags={**one.tags, str(number): ""}))
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tag, range(24)))
    assert len(context.resources.metric_set(SET).tags) == 24


def test_of_many_updates_and_one_activation_at_once_none_changes_what_is_being_learned(world: Any, dynamodb: Any) -> None:
    for _ in range(2):
        context, learned = world(Interrupted(dynamodb)), []

        def call(number: int, context: Context = context, learned: list[MetricSet] = learned) -> None:
            if number == 4:
                activate_detector(context, ARN)
                learned.append(context.resources.metric_set(SET))
            else:
                with suppress(L4mError):
                    update_metric_set(context, SET, MetricSetChange(measures=(Measure(f"m{number}"),)))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(call, range(8)))
        assert context.resources.detector(ARN).status is DetectorStatus.ACTIVATING
        assert learned == [context.resources.metric_set(SET)]
