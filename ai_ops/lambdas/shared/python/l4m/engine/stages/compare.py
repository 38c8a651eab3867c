"""Stage: let the predictors compete, and measure the deviation in units of their usual error."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.stages.predict import DAILY, WEEKLY

TINY = np.float32(1e-12)
RELATIVE_FLOOR, SPREAD_FLOOR = np.float32(0.03), np.float32(0.05)  # smallest deviation that counts: of the size, of the spread
TO_SIGMA = np.float32(1.2533)  # mean absolute deviation of a Gaussian to its standard deviation


def compare(point: Point, memory: Memory) -> None:
    """Fill ``expected``, ``deviation``, ``scale`` and their seasonal twins.

    A predictor weighs in with the eighth power of its running error's inverse, so that the best one decides and equals
    share. Seasons compete after two visits of their phase.
    """
    visits = memory.visits[point.moment.hour] / np.float32(point.rates.per_hour)
    cost = memory.error + TINY
    ready = np.zeros_like(cost)
    ready[:DAILY] = 1
    ready[DAILY::2] = visits >= 2
    ready[WEEKLY::2] = (visits >= 15) & (len(memory.weekly) > 1)
    cost += (1 - ready) * np.float32(1e30)
    best = cost.min(axis=0)
    weight = best / cost
    weight *= weight
    weight *= weight
    weight *= weight
    weight /= weight.sum(axis=0)
    point.expected = (weight * point.predictions).sum(axis=0)
    point.deviation = point.value - point.expected
    hourly = memory.hourly[point.moment.hour]
    floor = np.maximum(RELATIVE_FLOOR * memory.size[0], SPREAD_FLOOR * memory.spread[0]) + TINY
    point.scale = TO_SIGMA * np.maximum(best * hourly, floor)
    weekly = (cost[WEEKLY] < cost[DAILY]).astype(np.float32)
    point.seasonal_ready = ready[DAILY]
    point.seasonal_deviation = point.errors[DAILY] + weekly * (point.errors[WEEKLY] - point.errors[DAILY])
    seasonal = memory.error[DAILY] + weekly * (memory.error[WEEKLY] - memory.error[DAILY])
    point.seasonal_scale = TO_SIGMA * np.maximum(seasonal * hourly, floor)
    point.seasonal_deviation += (1 - point.seasonal_ready) * (point.deviation - point.seasonal_deviation)
    point.seasonal_scale += (1 - point.seasonal_ready) * (point.scale - point.seasonal_scale)
