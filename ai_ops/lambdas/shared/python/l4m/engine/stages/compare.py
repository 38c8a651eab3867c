"""Stage: let the predictors compete, and measure the deviation in units of their usual error."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point
from l4m.engine.stages.predict import DAILY, WEEKLY

TINY = 1e-12
MOST_ZEROS = 0.999
RELATIVE_FLOOR, SPREAD_FLOOR = 0.03, 0.05  # smallest deviation that counts: of the size, of the spread
HOLIDAY = 0.35  # of the size, by which a holiday may differ from other days
TO_SIGMA = 1.2533  # mean absolute deviation of a Gaussian to its standard deviation
DAYS, WEEKS = 2, 15  # visits of a phase before the daily, and the weekly season compete
LEAST_GROWTH, MOST_GROWTH = 0.5, 4.0  # error at a value of zero, and at the most, against that at the usual size
UNREADY = 1e30


def compare(point: Point, memory: Memory) -> None:
    """Fill ``expected``, ``deviations`` and ``scales``.

    A predictor weighs in with the eighth power of its running error's inverse, so that the best one decides and equals
    share. The scale grows with the expected value, as counts and shares do, and has a floor: a share of the series'
    size and spread, and, where most values are zero, the size of the others.
    """
    cost = memory.error + TINY
    _exclude_unready(point, memory, cost)
    best = cost.min(axis=0)
    weight = best / cost
    for _ in range(3):
        weight *= weight
    expected = np.einsum("ij,ij->j", weight, point.predictions)
    expected /= weight.sum(axis=0)
    point.expected = expected
    point.deviations, point.scales = np.empty((2, len(best)), np.float32), np.empty((2, len(best)), np.float32)
    point.deviations[0], point.scales[0] = point.value - expected, best
    _fill_seasonal(point, cost)
    point.scales *= _growth(expected, memory)
    np.maximum(point.scales, _floor(point, memory), out=point.scales)
    point.scales *= TO_SIGMA


def _fill_seasonal(point: Point, cost: Array) -> None:
    """Fill the second rows with the better of the daily and the weekly season."""
    weekly = (cost[WEEKLY] < cost[DAILY]).astype(np.float32)
    np.multiply(weekly, point.errors[WEEKLY] - point.errors[DAILY], out=point.deviations[1])
    point.deviations[1] += point.errors[DAILY]
    np.multiply(weekly, cost[WEEKLY] - cost[DAILY], out=point.scales[1])
    point.scales[1] += cost[DAILY]


def _exclude_unready(point: Point, memory: Memory, cost: Array) -> None:
    visits = memory.visits[point.moment.hour]
    if len(memory.weekly) == 1:
        cost[WEEKLY::2] += UNREADY
    elif not len(visits) or visits.min() < WEEKS * point.rates.per_hour:
        cost[WEEKLY::2] += UNREADY * (visits < WEEKS * point.rates.per_hour).astype(np.float32)
    if not len(visits) or visits.min() < DAYS * point.rates.per_hour:
        cost[DAILY::2] += UNREADY * (visits < DAYS * point.rates.per_hour).astype(np.float32)


def _floor(point: Point, memory: Memory) -> Array:
    floor = np.maximum(RELATIVE_FLOOR * memory.size[0], SPREAD_FLOOR * memory.spread[0])
    sparse = memory.zeros[0] * memory.zeros[0]
    sparse *= memory.size[0] / (1 - np.minimum(memory.zeros[0], MOST_ZEROS))
    np.maximum(floor, sparse, out=floor)
    floor += TINY
    if point.moment.holiday:
        floor += point.moment.holiday * HOLIDAY * memory.size[0]
    return np.asarray(floor)


def _growth(expected: Array, memory: Memory) -> Array:
    growth = np.abs(expected)
    growth /= memory.size[0] + TINY
    np.minimum(growth, (MOST_GROWTH - LEAST_GROWTH) / (1 - LEAST_GROWTH), out=growth)
    growth *= 1 - LEAST_GROWTH
    growth += LEAST_GROWTH
    return np.asarray(growth)
