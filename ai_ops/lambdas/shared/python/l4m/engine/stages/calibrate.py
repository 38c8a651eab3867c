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
BITS, SIGN = np.uint32, np.uint32(1 << 31)  # what is the sign in the bits of a float32


def calibrate(point: Point, memory: Memory) -> None:
    """Fill ``surprise`` and ``lasting``: -log of the share of points beyond a sigma that deviate more.

    Beyond a sigma, each side has a tail as of a power law, whose index is Hill's mean log excess with a prior
    (Hill 1975). Fast and seasonal deviations are blended, and a seasonal deviation that is rarer by a margin counts
    alone: so ramps and slow shifts are found. Within a sigma ``lasting`` is less than 0, and ``surprise`` 0.
    """
    room = point.room
    excess, side, tail, _ = room.pairs
    np.divide(room.deviations, room.scales, out=excess)
    np.bitwise_and(excess.view(BITS), SIGN, out=side.view(BITS))
    np.abs(excess, out=excess)
    np.maximum(excess, LEAST, out=excess)
    np.log2(excess, out=excess)
    _turn(memory.tilt, side, out=tail)
    tail += memory.tail
    np.maximum(tail, LIGHTEST, out=tail)
    surprise, lasting = np.divide(excess, tail, out=room.surprises)
    _learn_tails(point, memory, excess, tail, side)
    margin = np.subtract(lasting, surprise, out=tail[0])
    margin *= SEASONAL_SHARE
    surprise += margin
    np.subtract(lasting, SEASONAL_MARGIN, out=margin)
    np.maximum(surprise, margin, out=surprise)
    np.maximum(surprise, 0, out=surprise)


def _learn_tails(point: Point, memory: Memory, excess: Array, tail: Array, side: Array) -> None:
    """Move the tail on whose side each deviation lies; what is within a sigma teaches nothing."""
    beyond = np.greater(excess, 0, out=point.room.pairs[3])
    change = np.minimum(excess, LARGEST_EXCESS, out=excess) if excess.max() > LARGEST_EXCESS else excess
    change -= tail
    change *= point.keep_present(beyond)
    change *= point.gain(SHARE / MOST_EXCESSES, PRIOR_EXCESSES / SHARE, weight=0.5 / SHARE)
    memory.tail += change
    memory.tilt += _turn(change, side, out=change)


def _turn(numbers: Array, side: Array, out: Array) -> Array:
    """Return the numbers, with the other sign where the deviation is negative; much quicker than a choice or a product."""
    np.bitwise_xor(numbers.view(BITS), side.view(BITS), out=out.view(BITS))
    return out
