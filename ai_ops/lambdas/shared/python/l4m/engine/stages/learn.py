"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point
from l4m.engine.stages.predict import DAILY, WEEKLY

FAST = 0.35
CLIP = 3 * 1.2533  # errors count up to three sigma
WIDE = 1e30  # no clip yet
WEEK_VISITS, WEEK_PRIOR = 10.0, 4.0  # longest memory of a phase of the week, and weight of an absent weekly effect
SIZE_EVERY = 2  # intervals between two looks at the size of values, which moves slowly
YOUNG = 5  # points, and
YOUNG_VISITS = 2  # visits of a phase, before errors are clipped


def learn(point: Point, memory: Memory) -> None:
    """Move everything remembered towards the point; errors are winsorised (Huber) so that no single value decides."""
    if point.youngest == 0:
        first = (point.present > 0) & (point.seen == 0)
        for array in memory.slow:
            array[first] = point.value[first]
    limit = CLIP * memory.error
    _learn_errors(point, memory, limit)
    if point.moment.phase % SIZE_EVERY == 0:
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
    errors, limit = point.errors[DAILY : WEEKLY + 1], limit[DAILY : WEEKLY + 1]
    daily, weekly = clipped = np.minimum(errors, limit)
    np.maximum(clipped, -limit, out=clipped)
    reach = 3 * limit
    remainder = np.minimum(errors, reach)
    np.maximum(remainder, -reach, out=remainder)
    remainder -= memory.drift
    remainder *= FAST * point.present * (memory.event[0] == 0)
    memory.drift += remainder
    memory.slow += point.gain(point.rates.slow, 2) * point.trust * clipped
    usual = point.present * (1 - point.moment.holiday)
    memory.daily[point.moment.phase] += np.maximum(1 / (visits + 1), 1 / point.rates.phase_visits) * usual * daily
    if len(memory.weekly) > 1:
        gain = np.maximum(1 / (visits / 7 + WEEK_PRIOR), 1 / WEEK_VISITS) / point.rates.per_week_row
        memory.weekly[point.moment.week] += gain * usual * weekly


def _learn_errors(point: Point, memory: Memory, limit: Array) -> None:
    gain = point.gain(point.rates.scale, 0) if point.youngest else np.maximum(1 / np.maximum(point.seen, 1), point.rates.scale)
    size = np.abs(point.errors)
    if point.youngest < 2:
        np.minimum(size, limit + WIDE * (point.seen < 2).astype(np.float32), out=size)
    else:
        np.minimum(size, limit, out=size)
    size -= memory.error
    size *= gain * point.present
    memory.error += size


def _learn_size(point: Point, memory: Memory) -> None:
    gain = np.minimum(point.gain(point.rates.scale, 1) * SIZE_EVERY, 1) * point.present
    memory.size[0] += gain * (np.abs(point.value) - memory.size[0])
    memory.center[0] += gain * (point.value - memory.center[0])
    memory.spread[0] += gain * (np.abs(point.value - memory.center[0]) - memory.spread[0])
    zero = (point.value == 0).astype(np.float32)
    memory.zeros[0] += gain * (zero - memory.zeros[0])
