"""Stage: turn deviations into how rarely this series deviates so much."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Gain, Step

SHARE = 0.2  # of points that deviate by more than a sigma to one side, about
PRIOR_EXCESSES, MOST_EXCESSES = 100.0, 3000.0  # weight of the prior tail, and the longest memory, in points beyond a sigma
LARGEST_EXCESS = 6.0  # doublings; winsorises what one point adds to the tail
LIGHTEST = 0.17  # tail
LEAST = 0.5  # sigmas; what deviates less is as usual as can be
SEASONAL_SHARE, SEASONAL_MARGIN = 0.1, 0.69
BITS, SIGN = np.uint32, np.uint32(1 << 31)  # what is the sign in the bits of a float32


def calibrate(step: Step, state: DetectorState) -> None:
    """Fill ``survival_score`` and ``seasonal_score``: -log of the share of points beyond a sigma that deviate more.

    Beyond a sigma, each side has a tail as of a power law, whose index is Hill's mean log excess with a prior
    (Hill 1975). Fast and seasonal deviations are blended, and a seasonal deviation that is rarer by a margin counts
    alone: so ramps and slow shifts are found. Within a sigma ``seasonal_score`` is less than 0, and ``survival_score`` 0.
    """
    gain = step.gain(SHARE / MOST_EXCESSES, PRIOR_EXCESSES / SHARE, weight=0.5 / SHARE)
    for row in range(2):
        _rate(step, state, row, gain)
    (survival_score, seasonal_score), margin = step.workspace.survival_scores, step.workspace.scratch[0]
    np.subtract(seasonal_score, survival_score, out=margin)
    margin *= SEASONAL_SHARE
    survival_score += margin
    np.subtract(seasonal_score, SEASONAL_MARGIN, out=margin)
    np.maximum(survival_score, margin, out=survival_score)
    np.maximum(survival_score, 0, out=survival_score)


def _rate(step: Step, state: DetectorState, row: int, gain: Gain) -> None:
    """Fill one row of the survival scores, and learn its tail."""
    workspace, (excess, side, tail, _) = step.workspace, step.workspace.scratch
    np.divide(workspace.deviations[row], workspace.scales[row], out=excess)
    np.bitwise_and(excess.view(BITS), SIGN, out=side.view(BITS))
    np.abs(excess, out=excess)
    np.maximum(excess, LEAST, out=excess)
    np.log2(excess, out=excess)
    _turn(state.asymmetry[row], side, out=tail)
    tail += state.tail[row]
    np.maximum(tail, LIGHTEST, out=tail)
    np.divide(excess, tail, out=workspace.survival_scores[row])
    change = _learn_tail(step, excess, tail, gain)
    state.tail[row] += change
    state.asymmetry[row] += _turn(change, side, out=change)


def _learn_tail(step: Step, excess: Array, tail: Array, gain: Gain) -> Array:
    """Return how the tail moves on whose side each deviation lies; what is within a sigma teaches nothing."""
    beyond = np.greater(excess, 0, out=step.workspace.scratch[3])
    change = np.minimum(excess, LARGEST_EXCESS, out=excess) if excess[excess.argmax()] > LARGEST_EXCESS else excess
    change -= tail
    change *= step.keep_present(beyond)
    change *= gain
    return change


def _turn(numbers: Array, side: Array, out: Array) -> Array:
    """Return the numbers, with the other sign where the deviation is negative; much quicker than a choice or a product."""
    np.bitwise_xor(numbers.view(BITS), side.view(BITS), out=out.view(BITS))
    return out
