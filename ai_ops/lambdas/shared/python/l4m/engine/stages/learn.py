"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point
from l4m.engine.stages.predict import DAILY, LEVEL, WEEKLY

FAST = 0.35
CLIP = 3 * 1.2533  # errors count up to three sigma
WIDE = 1e30  # no clip yet
DAY_VISITS, WEEK_VISITS, WEEK_PRIOR = 10.0, 10.0, 4.0  # longest memory of a phase, and weight of an absent weekly effect
YOUNG = 5  # points, and
YOUNG_VISITS = 2  # visits of a phase, before errors are clipped
BURST_GAIN, LARGEST_BURST = 0.05, 3.0


def learn(point: Point, memory: Memory) -> None:
    """Move everything remembered towards the point; errors are winsorised (Huber) so that no single value decides."""
    if point.youngest == 0:
        first = (point.present > 0) & (point.seen == 0)
        for array in (memory.level[0], *memory.slow):
            array[first] = point.value[first]
    limit = CLIP * memory.error
    _learn_errors(point, memory, limit)
    _learn_size(point, memory)
    visits = memory.visits[point.moment.hour] / point.rates.per_hour
    if point.youngest < YOUNG:
        limit += WIDE * (point.seen < YOUNG).astype(np.float32)
    if len(visits) and visits.min() < YOUNG_VISITS:
        limit[DAILY:] += WIDE * (visits < YOUNG_VISITS).astype(np.float32)
    _learn_levels(point, memory, limit, visits)
    memory.last[0] = point.value
    memory.seen[0] += point.present


def _learn_levels(point: Point, memory: Memory, limit: Array, visits: Array) -> None:
    clipped = np.minimum(point.errors, limit)
    np.maximum(clipped, -limit, out=clipped)
    fast = FAST * point.present
    memory.level[0] += fast * clipped[LEVEL]
    seasonal, reach = point.errors[DAILY : WEEKLY + 1], 3 * limit[DAILY : WEEKLY + 1]
    remainder = np.minimum(seasonal, reach)
    np.maximum(remainder, -reach, out=remainder)
    remainder -= memory.drift
    remainder *= fast
    memory.drift += remainder
    memory.slow += point.gain(point.rates.slow, 2) * point.trust * clipped[DAILY : WEEKLY + 1]
    memory.daily[point.moment.phase] += np.maximum(1 / (visits + 1), 1 / DAY_VISITS) * point.trust * clipped[DAILY]
    if len(memory.weekly) > 1:
        gain = np.maximum(1 / (visits / 7 + WEEK_PRIOR), 1 / WEEK_VISITS) / point.rates.per_week_row
        memory.weekly[point.moment.week] += gain * point.trust * clipped[WEEKLY]


def _learn_errors(point: Point, memory: Memory, limit: Array) -> None:
    gain = point.gain(point.rates.scale, 0) if point.youngest else 1 / np.maximum(point.seen, 1)
    size = np.abs(point.errors)
    if point.youngest < 2:
        np.minimum(size, limit + WIDE * (point.seen < 2).astype(np.float32), out=size)
    else:
        np.minimum(size, limit, out=size)
    size -= memory.error
    size *= gain * point.present
    memory.error += size


def _learn_size(point: Point, memory: Memory) -> None:
    gain = point.gain(point.rates.scale, 1) * point.present
    size = np.abs(point.value)
    memory.size[0] += gain * (size - memory.size[0])
    memory.center[0] += gain * (point.value - memory.center[0])
    memory.spread[0] += gain * (np.abs(point.value - memory.center[0]) - memory.spread[0])
    zero = (point.value == 0).astype(np.float32)
    memory.zeros[0] += gain * (zero - memory.zeros[0])
    burst = memory.burst[0]
    top = LARGEST_BURST * burst
    top += WIDE * (burst == 0).astype(np.float32)
    np.minimum(size, top, out=size)
    size -= burst
    size *= (1 - zero) * point.present * BURST_GAIN
    burst += size
