"""Stage: after an anomaly, the way back to the season is no news."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.calibrate import SEASONAL_MARGIN
from l4m.engine.detection.state import Memory
from l4m.engine.detection.step import Point

NEWS = 2.0  # surprise from which a point is looked at


def resume(point: Point, memory: Memory) -> None:
    """Judge a point by its season alone where a recent anomaly took the expectation along, and the point comes back.

    An anomaly too small or too early to be held as an event teaches the fast predictors where the series is, and its
    end surprises them. They went along if the expectation is off the season, to the anomaly's side, by more than the
    season errs.
    """
    news = (point.surprise > NEWS).nonzero()[0]
    news = news[point.seen[news] - np.abs(memory.anomaly[0, news]) < point.rates.day]
    if not len(news):
        return
    when, deviation, seasonal = memory.anomaly[0, news], point.deviations[0, news], point.deviations[1, news]
    went_along = np.sign(when) * (seasonal - deviation) > point.room.scales[1, news]
    back = news[went_along & (when * deviation < 0)]
    point.surprise[back] = np.minimum(point.surprise[back], np.maximum(point.lasting[back] - SEASONAL_MARGIN, 0))
