"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point

SHARE = 0.2  # of points that deviate by more than a sigma to one side, about
PRIOR_EXCESSES, MOST_EXCESSES = 100.0, 3000.0  # weight of the prior tail, and the longest memory, in points beyond a sigma
LARGEST_EXCESS = 6.0  # doublings; winsorises what one point adds to the tail
LIGHTEST = 0.17  # tail
LEAST = 0.5  # sigmas; what deviates less is as usual as can be
SEASONAL_SHARE, SEASONAL_MARGIN = 0.1, 0.69


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise`` and ``lasting``: -log of the share of points beyond a sigma that deviate more.

    Beyond a sigma, each side has a tail as of a power law, whose index is Hill's mean log excess with a prior
    (Hill 1975). Fast and seasonal deviations are blended, and a seasonal deviation that is rarer by a margin counts
    alone: so ramps and slow shifts are found. Within a sigma ``lasting`` is less than 0, and ``surprise`` 0.
    """
    excess = point.deviations / point.scales
    up = (excess > 0).astype(np.float32)
    np.abs(excess, out=excess)
    np.maximum(excess, LEAST, out=excess)
    np.log2(excess, out=excess)
    tail = memory.tail[:2] - memory.tail[2:]
    tail *= up
    tail += memory.tail[2:]
    np.maximum(tail, LIGHTEST, out=tail)
    surprise = excess / tail
    point.surprise, point.lasting = surprise
    _learn_tails(point, memory, excess, tail, up)
    np.subtract(point.lasting, point.surprise, out=tail[0])
    tail[0] *= SEASONAL_SHARE
    point.surprise += tail[0]
    np.subtract(point.lasting, SEASONAL_MARGIN, out=tail[1])
    np.maximum(point.surprise, tail[1], out=point.surprise)
    np.maximum(point.surprise, 0, out=point.surprise)


def _learn_tails(point: Point, memory: Memory, excess: Array, tail: Array, up: Array) -> None:
    """Move the tail on whose side each deviation lies; what is within a sigma teaches nothing."""
    beyond = (excess > 0).astype(np.float32)
    beyond *= point.gain(SHARE / MOST_EXCESSES, PRIOR_EXCESSES / SHARE) / SHARE
    point.keep_present(beyond)
    change = np.minimum(excess, LARGEST_EXCESS, out=excess)
    change -= tail
    change *= beyond
    np.multiply(change, up, out=up)
    memory.tail[:2] += up
    change -= up
    memory.tail[2:] += change
