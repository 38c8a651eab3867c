"""Groups and incidents that two runs write at once: whatever call the older one stalls at, what the newer one wrote stays."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from tests.unit.interrupted import Interrupted
from tests.unit.memory_bucket import MemoryBucket

from l4m.errors import Conflict
from l4m.store.anomalies import Anomalies, FencingToken
from l4m.store.bucket import Bucket

GROUP, INCIDENT = "g", "i"
POSITIONS = [f"{number:012d}#003600#views" for number in range(3)]


@dataclass
class Turn:
    """Whose turn it is; the next one's begins when it takes its token."""

    number: int = 0

    def token(self) -> FencingToken:
        """The token of the next run."""
        self.number += 1
        own = self.number

        def require() -> None:
            if own != self.number:
                raise Conflict(f"it is the turn of {self.number}")

        return FencingToken(str(own), require)


def put(score: float) -> Callable[[Anomalies, FencingToken], None]:
    """Find a group, and an incident that it is part of."""

    def do(anomalies: Anomalies, token: FencingToken) -> None:
        anomalies.put_group(token, {"id": GROUP, "score": score}, str(score).encode())
        anomalies.put_incident(token, {"id": INCIDENT, "end": score}, {POSITIONS[0]: score, POSITIONS[1]: score})

    return do


def retract(anomalies: Anomalies, token: FencingToken) -> None:
    """Take the group back."""
    for position in POSITIONS:
        anomalies.drop_from_incident(token, INCIDENT, position)
    anomalies.retract_group(token, GROUP)


def anomalies_of(client: Any) -> Anomalies:
    """Groups and incidents in a bucket."""
    return Anomalies(Bucket(client, "state"), "sales")


def seen(client: Any) -> tuple[Any, ...]:
    """What people are shown, and the values that are kept for it."""
    anomalies = anomalies_of(client)
    shown = [{**found, "token": "", "values": ""} if found else None for found in (anomalies.group(GROUP), anomalies.incident(INCIDENT))]
    group = anomalies.group(GROUP)
    content = anomalies.bucket.get(f"sales/group/{GROUP}-{group['values']}.f32") if group else None
    assert content or not group
    return *shown, content


WRITES = {"put 1": put(1.0), "put 2": put(2.0), "retract": retract}


def run(client: Any, names: tuple[str, ...], turn: Turn) -> None:
    """Runs one after the other."""
    for name in names:
        WRITES[name](anomalies_of(client), turn.token())


def stall(at: int, before: tuple[str, ...], older: str, then: tuple[str, ...]) -> tuple[int, tuple[Any, ...]]:
    """Let a run stall before a call while its twin does the same and newer ones go on; how many calls it made, and what is seen then."""
    turn, client = Turn(), Interrupted(MemoryBucket())
    run(client.client, before, turn)
    token = turn.token()

    def others() -> None:
        WRITES[older](anomalies_of(client.client), token)
        run(client.client, then, turn)

    client.at, client.other = at, others
    with suppress(Conflict):
        WRITES[older](anomalies_of(client), token)
    return client.calls, seen(client.client)


@pytest.mark.parametrize("then", [("put 2",), ("retract",), ("retract", "put 2"), ("put 2", "put 1"), ("put 2", "retract", "put 1")])
@pytest.mark.parametrize("older", WRITES)
@pytest.mark.parametrize("before", [(), ("put 1",), ("put 1", "retract")])
def test_whatever_call_an_older_run_stalls_at_what_newer_ones_wrote_stays(before: Any, older: str, then: Any) -> None:
    calls, _ = stall(-1, before, older, ())
    alone = MemoryBucket()
    run(alone, (*before, older, *then), Turn())
    for at in range(calls):
        assert stall(at, before, older, then)[1] == seen(alone), f"before call {at} of {calls}"


@pytest.mark.parametrize("kind", ["memory", "moto"])
def test_a_swap_writes_over_what_was_seen_and_nothing_else(kind: str, dynamodb: Any) -> None:
    client = MemoryBucket() if kind == "memory" else boto3.client("s3", "us-east-1")
    if kind == "moto":
        client.create_bucket(Bucket="state")
    bucket = Bucket(client, "state")
    assert bucket.find("a") is None
    assert bucket.swap("a", b"1", None)
    assert not bucket.swap("a", b"2", None)
    first = bucket.find("a")
    assert bucket.swap("a", b"2", first)
    assert not bucket.swap("a", b"3", first)
    assert bucket.get("a") == b"2"
    second = bucket.find("a")
    bucket.delete(["a"])
    assert not bucket.swap("a", b"3", second)
    assert bucket.get("a") is None
