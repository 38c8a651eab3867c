"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

SHARE = np.float32(0.1)  # of points beyond the tracked quantile
BASE = -np.log10(SHARE)
PRIOR_EXCESSES, MOST_EXCESSES = np.float32(200), np.float32(3000)  # weight of the prior tail index, and the longest memory
LARGEST_EXCESS = np.float32(6)  # winsorises what one point adds to the tail
STEP = np.float32(3)  # of the stochastic approximation of the quantile
PER_LOG10 = np.float32(1 / np.log(10))
SEASONAL_SHARE = np.float32(0.1)


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise``, in -log10 of the share of points.

    The 90 % quantile of each side is tracked by stochastic approximation, the tail beyond it by Hill's mean log excess
    with a prior (Hill 1975), both on deviations over their scale; fast and seasonal deviations are blended.
    """
    fast = point.deviation / point.scale
    slow = point.seasonal_deviation / point.seasonal_scale
    sides = np.stack([fast, -fast, slow, -slow])
    np.maximum(sides, 1e-9, out=sides)
    sides /= memory.quantile
    excess = np.maximum(np.log(sides), 0)
    surprise = BASE * np.minimum(sides, 1) + excess * PER_LOG10 / memory.tail
    point.surprise = (1 - SEASONAL_SHARE) * surprise[:2].max(axis=0) + SEASONAL_SHARE * surprise[2:].max(axis=0)
    trust = point.present * (memory.seen[0] > 0)
    beyond = (excess > 0) * trust
    gain = np.maximum(np.float32(point.rates.scale * 0.5), 1 / (memory.seen[0] + 20))
    memory.quantile *= np.exp(STEP * gain * (beyond - SHARE * trust))
    np.clip(memory.quantile, 0.3, 1e6, out=memory.quantile)
    memory.excesses += beyond
    step = beyond / np.minimum(memory.excesses + PRIOR_EXCESSES, MOST_EXCESSES)
    memory.tail += step * (np.minimum(excess, LARGEST_EXCESS) - memory.tail)
    np.clip(memory.tail, 0.12, 1.5, out=memory.tail)
