"""One interval of a block of series on its way through the stages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Array
from l4m.engine.rates import Rates
from l4m.engine.seasons import Moment
from l4m.engine.settings import Settings


@dataclass(slots=True)
class Point:
    """What the stages hand on to each other; arrays of shape (series,) unless they say more.

    Attributes
    ----------
    values : values of the interval, NaN where none arrived; never written to
    moment, settings, rates : where the interval stands, what the user chose, how fast the memory forgets
    present : 1 where a value arrived, else 0
    value : the value, or the last one where none arrived
    seen, youngest : points seen before this one, and the least of them
    missing : True where a value should have arrived
    predictions, errors : of each predictor, shape (predictors, series)
    expected, deviation, scale : combined prediction, value minus it, and its usual size
    seasonal_deviation, seasonal_scale : the same of the slow seasonal prediction
    surprise : -log10 of the share of points that deviate more
    lasting : the same of the seasonal deviation alone, up and down, shape (2, series)
    is_held : 1 where an event that began earlier goes on
    severity : 0-100, NaN before the cold start is over
    lower, upper, is_anomaly : the band, and the decision
    trust : 0-1, how much of this point levels, seasons and scales learn
    """

    values: Array
    moment: Moment
    settings: Settings
    rates: Rates
    present: Array = field(init=False)
    value: Array = field(init=False)
    seen: Array = field(init=False)
    youngest: float = field(init=False)
    missing: NDArray[np.bool_] = field(init=False)
    predictions: Array = field(init=False)
    errors: Array = field(init=False)
    expected: Array = field(init=False)
    deviation: Array = field(init=False)
    scale: Array = field(init=False)
    seasonal_deviation: Array = field(init=False)
    seasonal_scale: Array = field(init=False)
    surprise: Array = field(init=False)
    lasting: Array = field(init=False)
    is_held: Array = field(init=False)
    severity: Array = field(init=False)
    lower: Array = field(init=False)
    upper: Array = field(init=False)
    is_anomaly: NDArray[np.bool_] = field(init=False)
    trust: Array = field(init=False)

    def gain(self, least: float, offset: float) -> Array | float:
        """Return 1 / (points seen + ``offset``), but at least ``least``: a mean that turns into a moving one."""
        if (self.youngest + offset - 1) * least > 1:
            return least
        return np.maximum(1 / (self.seen + offset), least)
