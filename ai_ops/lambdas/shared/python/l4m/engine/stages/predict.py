"""Stage: five simple predictors of the value, each the best of them on some series."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Memory
from l4m.engine.point import Point

LAST, DAILY, WEEKLY, DAILY_FAST, WEEKLY_FAST = range(5)


def predict(point: Point, memory: Memory) -> None:
    """Fill ``predictions`` and ``errors``: last value, daily and weekly season, both with a fast remainder."""
    daily, weekly = memory.daily[point.moment.phase], memory.weekly[point.moment.week]
    predictions = np.empty((5, len(point.value)), np.float32)
    predictions[LAST] = memory.last[0]
    np.add(memory.slow, daily, out=predictions[DAILY : WEEKLY + 1])
    predictions[WEEKLY] += weekly
    np.add(predictions[DAILY : WEEKLY + 1], memory.drift, out=predictions[DAILY_FAST:])
    if point.youngest == 0:
        first = point.seen == 0
        predictions[:, first] = point.value[first]
    point.predictions, point.errors = predictions, point.value - predictions
