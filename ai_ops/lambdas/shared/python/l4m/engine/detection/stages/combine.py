"""Stage: let the predictors compete, and measure the deviation in units of their usual error."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.forecast import DAILY, DAYS, FAST, LAST, WEEKLY, WEEKS
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Step

TINY = np.float32(1e-12)
HOLIDAY = 0.35  # of the size, by which a holiday may differ from other days
TO_SIGMA = 1.2533  # mean absolute deviation of a Gaussian to its standard deviation
LEAST_GROWTH, MOST_GROWTH = 0.5, 4.0  # error at a value of zero, and at the most, against that at the usual size
UNREADY = np.float32(1e30)


def combine(step: Step, state: DetectorState) -> None:
    """Fill ``expected``, ``deviations`` and ``scales``.

    Season, last value and season with a fast remainder weigh in with the eighth power of their running error's inverse,
    so that the best one decides and equals share. The scale, a standard deviation, grows with the expected value, as
    counts and shares do, and has a floor.
    """
    workspace, (best, *costs) = step.workspace, step.workspace.costs
    _fill_costs(step, state)
    np.minimum(costs[0], costs[1], out=best)
    np.minimum(best, costs[2], out=best)
    deviation, (weight, total, *_) = workspace.deviations[0], workspace.scratch
    _weigh(best, costs[0], out=total)
    np.multiply(total, workspace.errors[0], out=deviation)
    for cost, error in zip(costs[1:], workspace.errors[1:], strict=False):
        total += _weigh(best, cost, out=weight)
        weight *= error
        deviation += weight
    deviation /= total
    np.subtract(step.value, deviation, out=step.expected)
    scales = workspace.scales
    scales *= _growth(step.expected, state, out=total)
    np.maximum(scales, _floor(step, state), out=scales)


def _weigh(best: Array, cost: Array, out: Array) -> Array:
    """Return the weight of a predictor: that of the best is 1."""
    np.divide(best, cost, out=out)
    for _ in range(3):
        out *= out
    return out


def _fill_costs(step: Step, state: DetectorState) -> None:
    """Fill the costs but the first with the running errors of season, last value and fast remainder; unready ones cost too much."""
    cost, error = step.workspace.costs, state.error
    season = cost[1]
    np.add(error[LAST : FAST + 1], TINY, out=cost[2:])
    if len(state.weekly) == 1:
        season[:] = error[DAILY]
    elif step.fewest >= WEEKS * step.rates.per_hour:
        np.minimum(error[DAILY], error[WEEKLY], out=season)
    else:
        unready = (step.visits < WEEKS * step.rates.per_hour).astype(np.float32)
        np.minimum(error[DAILY], error[WEEKLY] + UNREADY * unready, out=season)
    season += TINY
    if step.fewest < DAYS * step.rates.per_hour:
        cost[1::2] += UNREADY * (step.visits < DAYS * step.rates.per_hour).astype(np.float32)


def _floor(step: Step, state: DetectorState) -> Array:
    if step.moment.holiday:
        return np.asarray(state.least[0] + step.moment.holiday * HOLIDAY * TO_SIGMA * state.size[0])
    return np.asarray(state.least[0])


def _growth(expected: Array, state: DetectorState, out: Array) -> Array:
    """Return by how much errors at the expected value exceed the mean absolute error, as standard deviations."""
    growth = np.abs(expected, out=out)
    growth *= state.growth[0]
    np.minimum(growth, (MOST_GROWTH - LEAST_GROWTH) * TO_SIGMA, out=growth)
    growth += LEAST_GROWTH * TO_SIGMA
    return growth
