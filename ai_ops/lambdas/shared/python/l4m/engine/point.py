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
    threshold : surprise from which a point is an anomaly
    present : 1 where a value arrived, else 0
    value : the value, or the last one where none arrived
    seen, youngest : points seen before this one, and the least of them
    missing : True where a value should have arrived
    predictions, errors : of each predictor, shape (predictors, series)
    expected : combined prediction
    deviations, scales : value minus the combined, and minus the slow seasonal prediction, and their usual size; shape (2, series)
    surprise : -log10 of the share of points that deviate more
    lasting : the same of the seasonal deviation alone
    held : indices of the series in which an event that began earlier goes on
    severity : 0-100, NaN before the cold start is over
    lower, upper, error, is_anomaly : the band, the standard error of the prediction, and the decision
    trust : 0-1, how much of this point levels, seasons and scales learn
    """

    values: Array
    moment: Moment
    settings: Settings
    rates: Rates
    threshold: float
    present: Array = field(init=False)
    value: Array = field(init=False)
    seen: Array = field(init=False)
    youngest: float = field(init=False)
    missing: NDArray[np.bool_] = field(init=False)
    predictions: Array = field(init=False)
    errors: Array = field(init=False)
    expected: Array = field(init=False)
    deviations: Array = field(init=False)
    scales: Array = field(init=False)
    surprise: Array = field(init=False)
    lasting: Array = field(init=False)
    held: NDArray[np.intp] = field(init=False)
    severity: Array = field(init=False)
    lower: Array = field(init=False)
    upper: Array = field(init=False)
    error: Array = field(init=False)
    is_anomaly: NDArray[np.bool_] = field(init=False)
    trust: Array = field(init=False)

    def gain(self, least: float, offset: float) -> Array | float:
        """Return 1 / (points seen + ``offset``), but at least ``least``: a mean that turns into a moving one."""
        if (self.youngest + offset - 1) * least > 1:
            return least
        return np.maximum(1 / (self.seen + offset), least)
