"""Waiting in the local AWS: it ends, and says what did not come."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from localaws import LocalAwsError, client, functions
from localaws.activity import Activity
from localaws.functions import Functions, Settings
from localaws.waiting import wait_until


def test_what_comes_is_returned_and_what_does_not_is_named():
    looks = count()
    assert wait_until("the third look", lambda: next(looks) == 2 and "seen", 5, pause=0) == "seen"
    with pytest.raises(TimeoutError, match=r"^waited 0\.05 s for the cows to come home, in vain$"):
        wait_until("the cows to come home", lambda: [], 0.05)


def test_a_call_for_which_no_environment_comes_free_says_so(monkeypatch):
    monkeypatch.setattr(functions, "TURN_SECONDS", 0.05)
    pool = Functions(Activity(), lambda settings: pytest.fail("one more was started"), lambda *_: None)
    settings = Settings("arn", "busy", "handler", Path(), "role", 3, ())
    pool._pools["busy"] = functions._Pool(settings, busy=[object(), object()])
    outcome = pool.invoke(settings, b"{}")
    assert json.loads(outcome.payload)["errorMessage"] == "waited 0.05 s for one of 2 environments of busy, in vain"


def test_a_server_that_does_not_answer_is_named_with_what_it_was_asked(cloud, monkeypatch):
    monkeypatch.setattr(client, "FIRE_SECONDS", 0.05)
    with pytest.raises(LocalAwsError, match=r"did not answer fire within 0\.05 s"):
        cloud.fire(datetime(2000, 1, 1, tzinfo=UTC), datetime(2003, 1, 1, tzinfo=UTC))


HANGING = """
import threading

def test_hangs():
    threading.Event().wait()  # waits as long as it is let

def test_goes_on():
    pass
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_test_that_hangs_is_ended_with_its_stacks_and_the_others_go_on(tmp_path, options):
    (tmp_path / "test_one.py").write_text(HANGING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "2", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "in wait" in done.stdout and "Timeout (>2.0s)" in done.stdout
