"""Whether data comes as often as was stated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.intervals import Clock

_LONG_RUN = 12  # equal gaps in a row that are no accident


def check_regular(occupied: NDArray[np.bool_], first: int, clock: Clock, name: str) -> None:
    """Refuse data of a longer interval than stated, wholly or in a part of it.

    Nights, weekends and outages leave gaps too; what gives a longer interval away is many equal gaps one after the other.
    """
    present = np.flatnonzero(occupied)
    gaps = np.diff(present)
    if not len(gaps):
        return
    same = np.flatnonzero(np.diff(gaps) != 0)
    begins = np.r_[0, same + 1]
    lengths = np.diff(np.r_[begins, len(gaps)])
    lengths[gaps[begins] == 1] = 0
    longest = int(np.argmax(lengths))
    if lengths[longest] < min(_LONG_RUN, max(len(gaps), 2)):
        return
    start = begins[longest]
    gap = int(gaps[begins[longest]])
    since = np.datetime64(clock.start(first + int(present[start])), "s")
    raise InvalidInput(
        Fault(
            "interval",
            f"{name}: rows come every {_say(gap * clock.interval_seconds)} from {since} UTC on ({int(lengths[longest]) + 1} times), "
            f"not every {_say(clock.interval_seconds)}",
        )
    )


def _say(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}" + ("s" if seconds != length else "")
    return f"{seconds} seconds"
