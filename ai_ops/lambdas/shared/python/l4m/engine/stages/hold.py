"""Stage: an event goes on until its series comes back, or until it has lasted so long that it is the new normal."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.severity import threshold_of

STAY = 0.5  # by how much the seasonal surprise may fall below an anomaly's before an open event ends
LONGEST_DAYS, LONGEST_OF_DAYS = 1.5, 5.0  # after which it is the new normal; the second counts intervals of a day


def hold(point: Point, memory: Memory) -> None:
    """Fill ``is_held``: an event is open, and the series is still off its season to the same side.

    What is held is judged against the baseline from before the event: the seasonal prediction. An event that has lasted
    long enough moves that baseline to where the series now is.
    """
    sign, age = memory.event
    stay = threshold_of(point.settings.sensitivity, point.rates.per_day) - STAY
    longest = LONGEST_OF_DAYS if point.rates.per_day == 1 else LONGEST_DAYS * point.rates.per_day
    lasting = np.where(sign > 0, point.lasting[0], point.lasting[1])
    off = (lasting >= stay).astype(np.float32)
    off *= np.abs(sign)
    off *= point.present
    recent = (age < longest).astype(np.float32)
    held = off * recent
    point.is_held = held
    change = point.value - point.seasonal_deviation - point.expected
    change *= held
    point.expected += change
    point.deviation -= change
    point.scale += held * (point.seasonal_scale - point.scale)
    off -= held
    if off.any():
        memory.slow += off * memory.drift
        memory.drift *= 1 - off
    recent *= 1 - point.present
    recent += held
    sign *= recent
    age += 1
    age *= np.abs(sign)
