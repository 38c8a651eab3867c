"""Waiting for what others do: never without an end, and never without a word about what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(what: str, look: Callable[[], T], seconds: float, pause: float = 0.02) -> T:
    """Return the first thing true that ``look`` sees; raises ``TimeoutError``, which says what was waited for, when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}, in vain")
        time.sleep(pause)
    return found
