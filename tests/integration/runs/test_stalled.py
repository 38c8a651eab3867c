"""A run that stalls at any call while others go on: what it still writes when it wakes takes nobody's place."""

from __future__ import annotations

import json
from typing import Any

READS = ("Get", "List", "Query", "BatchGet")
PLACES = ("#group", "#tally", "#message", "#execution", "#run")


def test_a_run_that_stalls_at_any_call_leaves_what_later_runs_wrote(world: Any) -> None:
    world.learn()
    for hour in range(2):
        world.put_live(hour, factor=0.05, shops=world.us)
    world.run(0)
    before = world.contents()
    world.restore(before)
    world.context.clients.watch()
    world.run(1)
    calls = list(world.context.clients.calls)
    go_on(world)
    expected, told = findings(world), alerts(world)
    assert told
    for number, call in enumerate(calls):
        if call.startswith(READS):  # what is read after a stall is new
            continue
        world.restore(before)
        world.put_live(1, factor=0.05, shops=world.us)
        world.context.clients.interrupt(number, lambda: go_on(world))
        world.run(1)
        world.context.clients.watch()
        assert findings(world) == expected, f"stalled before call {number}, {call}"
        assert alerts(world) == told, f"stalled before call {number}, {call}"


def go_on(world: Any) -> None:
    """The same run again, then one to which the rest of a file's rows came late, and another anomaly."""
    world.run(1)
    world.put_live(1)
    world.put_live(2, factor=0.05, shops=world.us)
    world.run(2)


def findings(world: Any) -> dict[str, Any]:
    """What people are shown."""
    contents = world.contents()
    rows = {key: json.loads(text) for key, text in contents["rows"].items() if any(place in key for place in PLACES)}
    for document in rows.values():
        for touched in ("attempts", "claimed", "version"):
            document.pop(touched, None)
    documents = {key: json.loads(body) for key, body in contents["objects"].items() if key.endswith(".json")}
    values = {
        key: contents["objects"][f"{key.removesuffix('.json')}-{group.pop('values')}.f32"]
        for key, group in documents.items()
        if "values" in group
    }
    for document in documents.values():
        document.pop("token")
    return {"rows": rows, "documents": documents, "values": values}


def alerts(world: Any) -> list[str]:
    """What the topic was told, each once."""
    return sorted(mail["alertEventId"] for mail in world.mails())
