"""Stage: which series reported, and which should have."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

LARGEST = np.float32(1e18)  # squares and sums stay finite in float32
GONE_DAYS = 2.0  # a series silent for longer has ended; its absence is the new normal
VISITS = 4.0  # points an hour must have had before its absence means anything


def attend(point: Point, memory: Memory) -> None:
    """Fill ``present``, ``value`` and ``missing``.

    A series is missing when its silence would come by chance less often than the sensitivity allows: every silent
    interval adds -log10 of the share of intervals in which this hour used to stay silent.
    """
    arrived = ~np.isnan(point.values)
    present = arrived.astype(np.float32)
    point.present = present
    point.value = np.clip(np.nan_to_num(point.values, nan=0.0), -LARGEST, LARGEST) + (1 - present) * memory.last[0]
    hour = point.moment.hour
    presence, visits = memory.presence[hour], memory.visits[hour]
    known = (visits >= VISITS * point.rates.per_hour) & (memory.absent[0] <= GONE_DAYS * point.rates.day)
    silence = -np.log10(np.maximum(1 - presence, 1e-3)) * (memory.absent[0] + 1)
    point.missing = ~arrived & known & (silence >= 2.5) & (presence > 0.9)
    began = (memory.seen[0] + present > 0).astype(np.float32)
    gain = np.maximum(1 / (visits + 2), 0.1 / point.rates.per_hour) * began * (point.moment.holiday == 0)
    presence += gain * (present - presence)
    visits += present
    memory.absent[0] = (memory.absent[0] + 1) * (1 - present) * began
