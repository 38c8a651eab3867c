"""Stage: an event goes on until its series comes back, or until it has lasted so long that it is the new normal."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.calibrate import SEASONAL_MARGIN
from l4m.engine.detection.state import Memory
from l4m.engine.detection.step import Point

STAY = 0.46  # by how much the seasonal surprise may fall below an anomaly's before an open event ends
LONGEST_DAYS, LONGEST_OF_DAYS = 1.5, 5.0  # after which it is the new normal; the second counts intervals of a day


def hold(point: Point, memory: Memory) -> None:
    """Fill ``open`` and ``held``: an event is open, and the series is still off its season to the same side.

    While an event is open, the series is judged by its season alone, the baseline from before the event, so that its
    return is no news. An event that has lasted long enough moves that baseline to where the series now is. Silence
    neither ends an event nor holds it.
    """
    sign, age = memory.event
    open_ = point.open = point.held = (sign != 0).nonzero()[0]
    if not len(open_):
        return
    stay = point.threshold - STAY
    longest = LONGEST_OF_DAYS if point.rates.per_day == 1 else LONGEST_DAYS * point.rates.per_day
    arrived, recent = ~np.isnan(point.values[open_]), age[open_] < longest
    off = arrived & (point.lasting[open_] >= stay) & (point.deviations[1, open_] * sign[open_] > 0)
    point.held, outlived = open_[off & recent], open_[off & ~recent]
    point.expected[open_] = point.value[open_] - point.deviations[1, open_]
    point.deviations[0, open_] = point.deviations[1, open_]
    point.room.scales[0, open_] = point.room.scales[1, open_]
    point.surprise[open_] = np.maximum(point.lasting[open_] - SEASONAL_MARGIN, 0)
    memory.slow[0, outlived] += point.deviations[1, outlived]
    memory.drift[0, outlived] = 0
    age[open_] += 1
    stays = recent & (off | ~arrived)
    point.open, ended = open_[stays], open_[~stays]
    sign[ended] = age[ended] = 0
