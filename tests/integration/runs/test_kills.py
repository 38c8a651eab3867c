"""A run that is ended at any call and started again leaves what an undisturbed run leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from .clients import Killed

READS = ("Get", "List", "Query")


def test_a_run_killed_at_any_call_and_repeated_ends_like_an_undisturbed_one(world: Any) -> None:
    world.learn()
    world.put_live(0, factor=0.05)
    before = world.contents()
    world.context.clients.watch()
    world.run(0)
    calls = list(world.context.clients.calls)
    undisturbed, told = comparable(world.contents()), {mail["alertEventId"] for mail in world.mails()}
    assert told
    for kill_after in (False, True):
        for number, call in enumerate(calls):
            if call.startswith(READS):  # to end at a read is to end after the call before it
                continue
            world.restore(before)
            world.context.clients.watch(number, kill_after=kill_after)
            with pytest.raises(Killed):
                world.run(0)
            recover(world)
            place = f"killed {'after' if kill_after else 'before'} call {number}, {call}"
            assert differences(comparable(world.contents()), undisturbed) == [], place
            mails = [mail["alertEventId"] for mail in world.mails()]
            letters = {letter["body"]["payload"]["alertEventId"] for letter in world.letters() if letter["kind"] == "sns"}
            assert len(mails) == len(set(mails)), place
            assert set(mails) | letters == told, place


def recover(world: Any) -> None:
    """The run is started again at once, as Lambda does, and once more when the next interval is due."""
    world.context.clients.watch()
    world.run(0)
    now = world.context.now
    world.context = replace(world.context, now=now + timedelta(hours=1))
    world.run(0)
    world.context = replace(world.context, now=now)


def comparable(contents: dict[str, Any]) -> dict[str, Any]:
    """What must be the same; how often a message or the pointer was touched may differ."""
    rows = {}
    for key, text in contents["rows"].items():
        document = json.loads(text)
        for touched in ("version", "attempts", "claimed", "outcome"):
            document.pop(touched, None)
        rows[key] = document
    return {"rows": rows, "objects": contents["objects"]}


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Keys of rows and objects that are not the same."""
    return [key for part in one for key in {**one[part], **other[part]} if one[part].get(key) != other[part].get(key)]
