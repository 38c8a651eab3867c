"""Stage: an event goes on until its series comes back, or until it has lasted so long that it is the new normal."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

STAY = 0.5  # by how much the seasonal surprise may fall below an anomaly's before an open event ends
LONGEST_DAYS, LONGEST_OF_DAYS = 1.5, 5.0  # after which it is the new normal; the second counts intervals of a day


def hold(point: Point, memory: Memory) -> None:
    """Fill ``held``: an event is open, and the series is still off its season to the same side.

    What is held is judged against the baseline from before the event: the seasonal prediction. An event that has lasted
    long enough moves that baseline to where the series now is. Silence neither ends an event nor holds it.
    """
    sign, age = memory.event
    open_ = np.flatnonzero(sign != 0)
    stay = point.threshold - STAY
    longest = LONGEST_OF_DAYS if point.rates.per_day == 1 else LONGEST_DAYS * point.rates.per_day
    arrived, recent = point.present[open_] > 0, age[open_] < longest
    off = arrived & (point.lasting[open_] >= stay) & (point.deviations[1, open_] * sign[open_] > 0)
    point.held, outlived = open_[off & recent], open_[off & ~recent]
    point.expected[point.held] = point.value[point.held] - point.deviations[1, point.held]
    point.deviations[0, point.held] = point.deviations[1, point.held]
    point.scales[0, point.held] = point.scales[1, point.held]
    memory.slow[:, outlived] += memory.drift[:, outlived]
    memory.drift[:, outlived] = 0
    age[open_] += 1
    ended = open_[~(recent & (off | ~arrived))]
    sign[ended] = age[ended] = 0
