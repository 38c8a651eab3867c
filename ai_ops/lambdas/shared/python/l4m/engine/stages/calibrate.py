"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import math

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point

SHARE = 0.1  # of points beyond the tracked quantile
BASE = -math.log10(SHARE)
PRIOR_EXCESSES, MOST_EXCESSES = 120.0, 3000.0  # weight of the prior tail index, and the longest memory, in points beyond
LARGEST_EXCESS = 6.0  # winsorises what one point adds to the tail
LIGHTEST, HEAVIEST = 0.12, 1.5  # tail index
SLOWNESS, STEP = 0.5, 3.0  # of the stochastic approximation of the quantile
PER_LOG10 = 1 / math.log(10)
LEAST = 1e-9  # deviation, in scales
SEASONAL_SHARE, SEASONAL_MARGIN = 0.1, 0.3


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise`` and ``lasting``, in -log10 of the share of points.

    The 90 % quantile of each side is tracked by stochastic approximation, the tail beyond it by Hill's mean log excess
    with a prior (Hill 1975), both on deviations over their scale. Fast and seasonal deviations are blended, and a
    seasonal deviation that is rarer by a margin counts alone: so ramps and slow shifts are found.
    """
    excess = point.deviations / point.scales
    up = (excess > 0).astype(np.float32)
    np.abs(excess, out=excess)
    np.maximum(excess, LEAST, out=excess)
    np.log(excess, out=excess)
    excess -= _side(memory.quantile, up)
    tail = _side(memory.tail, up)
    surprise = excess / tail
    surprise *= PER_LOG10
    surprise += BASE
    np.maximum(surprise, 0, out=surprise)
    point.surprise, point.lasting = surprise
    point.surprise *= 1 - SEASONAL_SHARE
    point.surprise += SEASONAL_SHARE * point.lasting
    np.maximum(point.surprise, point.lasting - SEASONAL_MARGIN, out=point.surprise)
    _learn_tails(point, memory, excess, tail, up)


def _side(sides: Array, up: Array) -> Array:
    """Return the rows of the side on which each deviation lies."""
    chosen = sides[:2] - sides[2:]
    chosen *= up
    chosen += sides[2:]
    return chosen


def _learn_tails(point: Point, memory: Memory, excess: Array, tail: Array, up: Array) -> None:
    trust = point.present if point.youngest else point.present * (point.seen > 0)
    beyond = (excess > 0).astype(np.float32)
    beyond *= trust
    np.minimum(excess, LARGEST_EXCESS, out=excess)
    excess -= tail
    excess *= beyond * point.gain(SHARE / MOST_EXCESSES, PRIOR_EXCESSES / SHARE)
    excess *= 1 / SHARE
    _add(memory.tail, excess, up)
    np.maximum(memory.tail, LIGHTEST, out=memory.tail)
    np.minimum(memory.tail, HEAVIEST, out=memory.tail)
    rate = trust * (point.gain(SLOWNESS * point.rates.scale, 20) * STEP)
    memory.quantile -= SHARE * rate
    beyond *= rate
    _add(memory.quantile, beyond, up)
    np.maximum(memory.quantile, 0, out=memory.quantile)


def _add(sides: Array, change: Array, up: Array) -> None:
    """Add the change to the side on which each deviation lies."""
    above = change * up
    sides[:2] += above
    change -= above
    sides[2:] += change
