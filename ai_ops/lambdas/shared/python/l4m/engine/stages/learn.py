"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.stages.predict import DAILY, LEVEL, WEEKLY

FAST = np.float32(0.35)
CLIP = np.float32(3 * 1.2533)  # errors count up to three sigma
SEASON_VISITS, WEEK_VISITS = np.float32(10), np.float32(5)


def learn(point: Point, memory: Memory) -> None:
    """Move everything remembered towards the point; errors are winsorised (Huber) so that no single value decides."""
    trust = point.trust
    seen = memory.seen[0]
    first = (trust > 0) & (seen == 0)
    if first.any():
        for array in (memory.last[0], memory.level[0], memory.slow[0], memory.slow[1]):
            array[first] = point.value[first]
    visits = memory.visits[point.moment.hour] / np.float32(point.rates.per_hour)
    _learn_size(point, memory)
    limit = CLIP * memory.error
    learn_errors(point, memory)
    young = (visits < 2).astype(np.float32)
    limit += (seen < 5).astype(np.float32) * np.float32(1e30)
    limit[DAILY:] += young * np.float32(1e30)
    clipped = np.clip(point.errors, -limit, limit)
    memory.level[0] += FAST * trust * clipped[LEVEL]
    slow_gain = np.maximum(np.float32(point.rates.slow), 1 / (seen + 2)) * trust
    memory.slow += slow_gain * clipped[DAILY : WEEKLY + 1]
    drift_limit = 3 * limit[DAILY : WEEKLY + 1]
    memory.drift += FAST * trust * (np.clip(point.errors[DAILY : WEEKLY + 1], -drift_limit, drift_limit) - memory.drift)
    memory.daily[point.moment.phase] += trust * np.maximum(1 / (visits + 1), 1 / SEASON_VISITS) * clipped[DAILY]
    per_row = np.float32(max(1.0, point.rates.per_hour * (2 if len(memory.weekly) == 84 else 1)))
    if len(memory.weekly) > 1:
        weeks = visits / 7 * per_row
        memory.weekly[point.moment.week] += trust * np.maximum(1 / (weeks + 4 * per_row), 1 / (WEEK_VISITS * per_row)) * clipped[WEEKLY]
    memory.last[0] = point.value
    seen += trust


def learn_errors(point: Point, memory: Memory) -> None:
    """Update the running errors of the predictors, of the hour, and the latest deviations."""
    seen, size = memory.seen[0], np.abs(point.errors)
    gain = np.maximum(np.float32(point.rates.scale), 1 / np.maximum(seen, 1)) * point.trust * (seen > 0)
    top = CLIP * memory.error + (seen < 2) * np.float32(1e30)
    ratio = np.minimum(np.abs(point.deviation) / (memory.error.min(axis=0) + np.float32(1e-12)), CLIP)
    hourly = memory.hourly[point.moment.hour]
    hour_gain = np.clip(np.maximum(point.rates.scale * 12, 1 / (seen / 24 + 2)), 0, 0.2).astype(np.float32) * point.trust * (seen > 0)
    hourly += hour_gain * (ratio - hourly)
    np.clip(hourly, 0.3, 4, out=hourly)
    memory.error += gain * (np.minimum(size, top) - memory.error)
    recent = np.maximum(np.float32(point.rates.recent), 1 / (seen + 1)) * point.trust
    memory.recent[0] += recent * (point.deviation * point.deviation - memory.recent[0])


def _learn_size(point: Point, memory: Memory) -> None:
    gain = np.maximum(np.float32(point.rates.scale), 1 / (memory.seen[0] + 1)) * point.trust
    memory.size[0] += gain * (np.abs(point.value) - memory.size[0])
    memory.center[0] += gain * (point.value - memory.center[0])
    memory.spread[0] += gain * (np.abs(point.value - memory.center[0]) - memory.spread[0])
