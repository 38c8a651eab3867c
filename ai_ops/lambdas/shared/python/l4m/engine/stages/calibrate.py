"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import math

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

SHARE = 0.1  # of points beyond the tracked quantile
BASE = -math.log10(SHARE)
PRIOR_EXCESSES, MOST_EXCESSES = 200.0, 3000.0  # weight of the prior tail index, and the longest memory
LARGEST_EXCESS = 6.0  # winsorises what one point adds to the tail
LEAST, MOST = 1.0, 1e6  # quantile, in scales
LIGHTEST, HEAVIEST = 0.12, 1.5  # tail index
SLOWNESS, STEP = 0.5, 3.0  # of the stochastic approximation of the quantile
PER_LOG10 = 1 / math.log(10)
SEASONAL_SHARE, SEASONAL_MARGIN = 0.1, 0.3


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise`` and ``lasting``, in -log10 of the share of points.

    The 90 % quantile of each side is tracked by stochastic approximation, the tail beyond it by Hill's mean log excess
    with a prior (Hill 1975), both on deviations over their scale. Fast and seasonal deviations are blended, and a
    seasonal deviation that is rarer by a margin counts alone: so ramps and slow shifts are found.
    """
    sides = np.empty((4, len(point.value)), np.float32)
    np.divide(point.deviation, point.scale, out=sides[0])
    np.divide(point.seasonal_deviation, point.seasonal_scale, out=sides[2])
    np.negative(sides[::2], out=sides[1::2])
    np.maximum(sides, 1e-9, out=sides)
    sides /= memory.quantile
    excess = np.log(sides)
    np.maximum(excess, 0, out=excess)
    surprise = excess / memory.tail
    surprise *= PER_LOG10
    np.minimum(sides, 1, out=sides)
    sides *= BASE
    surprise += sides
    point.lasting = surprise[2:]
    seasonal = np.maximum(surprise[2], surprise[3])
    point.surprise = np.maximum(surprise[0], surprise[1])
    point.surprise *= 1 - SEASONAL_SHARE
    point.surprise += SEASONAL_SHARE * seasonal
    seasonal -= SEASONAL_MARGIN
    np.maximum(point.surprise, seasonal, out=point.surprise)
    _learn_tails(point, memory, excess)


def _learn_tails(point: Point, memory: Memory, excess: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    trust = point.present if point.youngest else point.present * (point.seen > 0)
    beyond = (excess > 0).astype(np.float32)
    beyond *= trust
    move = beyond - SHARE * trust
    move *= point.gain(SLOWNESS * point.rates.scale, 20) * STEP
    move += 1
    memory.quantile *= move
    np.maximum(memory.quantile, LEAST, out=memory.quantile)
    np.minimum(memory.quantile, MOST, out=memory.quantile)
    memory.excesses += beyond
    np.minimum(memory.excesses, MOST_EXCESSES, out=memory.excesses)
    np.minimum(excess, LARGEST_EXCESS, out=excess)
    excess -= memory.tail
    excess *= beyond
    excess /= np.minimum(memory.excesses + PRIOR_EXCESSES, MOST_EXCESSES)
    memory.tail += excess
    np.maximum(memory.tail, LIGHTEST, out=memory.tail)
    np.minimum(memory.tail, HEAVIEST, out=memory.tail)
