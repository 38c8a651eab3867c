"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

SHARE = 0.04  # of points beyond the tracked quantile
BASE = np.float32(-np.log10(SHARE))
PRIOR_EXCESSES, MOST_EXCESSES = np.float32(400), np.float32(200)
LARGEST_EXCESS = np.float32(1.6)
PER_LOG10 = np.float32(1 / np.log(10))
SEASONAL_SHARE, RECENT_SHARE = np.float32(0.4), np.float32(0.3)


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise``, in -log10 of the share of points.

    The 96 % quantile of each side is tracked by stochastic approximation, the tail beyond it by Hill's mean log excess
    with a strong prior (Hill 1975), both on deviations over their scale; fast and seasonal deviations are blended.
    """
    fast = point.deviation / point.scale
    slow = point.seasonal_deviation / point.seasonal_scale
    sides = np.stack([fast, -fast, slow, -slow])
    np.maximum(sides, 1e-9, out=sides)
    excess = np.log(sides / memory.quantile)
    beyond = (excess > 0).astype(np.float32)
    surprise = BASE * np.minimum(sides / memory.quantile, 1) + np.maximum(excess, 0) * PER_LOG10 / memory.tail
    best = np.maximum(surprise[:2].max(axis=0), surprise[2:].max(axis=0))
    blended = (1 - SEASONAL_SHARE) * best + SEASONAL_SHARE * surprise[2:].max(axis=0)
    recent = np.abs(point.deviation) / (np.sqrt(memory.recent[0]) + point.scale * np.float32(0.1) + np.float32(1e-12))
    point.surprise = (1 - RECENT_SHARE) * blended + RECENT_SHARE * np.float32(0.6) * np.minimum(recent, 30)
    trust = point.present * (memory.seen[0] > 0)
    gain = np.maximum(np.float32(point.rates.scale * 0.5), 1 / (memory.seen[0] + 20)) * trust
    memory.quantile *= 1 + 4 * gain * (beyond - np.float32(SHARE))
    np.clip(memory.quantile, 1, 50, out=memory.quantile)
    beyond *= trust
    memory.excesses += beyond
    step = beyond / np.minimum(memory.excesses + PRIOR_EXCESSES, MOST_EXCESSES)
    memory.tail += step * (np.minimum(excess, LARGEST_EXCESS) - memory.tail)
    np.clip(memory.tail, 0.12, 1.5, out=memory.tail)
