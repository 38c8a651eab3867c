"""One interval of a block of series on its way through the stages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.decay import DecayRates
from l4m.engine.detection.scores import Scores
from l4m.engine.detection.state import Array
from l4m.engine.detection.workspace import Workspace
from l4m.engine.seasonality.seasons import Moment
from l4m.engine.settings import Settings

Indices = NDArray[np.intp]
Gain = Array | np.float32


@dataclass(slots=True)
class Step:
    """What the stages hand on to each other; arrays of shape (series,) unless they say more.

    Attributes
    ----------
    values : values of the interval, NaN where none arrived; never written to
    moment, settings, rates : where the interval stands, what the user chose, how fast the state forgets
    threshold : log survival score from which a point is an anomaly
    scores : what is said about the points of this interval, filled in on the way
    workspace : rows to work in
    draws_bands : whether bands are wanted of all points, not only of what is anomalous or missing
    present, is_complete : 1 where a value arrived, else 0, a single 1 if all did; whether all did
    value : the value, or the last one where none arrived; never written to
    seen, youngest, oldest : points seen before this one, the least and the most of them
    visits, fewest, most : points seen at this hour, and bounds of the least and the most of them; this one included once it is tracked
    open, held : indices of the series in which an event is open, and of those in which it began earlier and goes on
    """

    values: Array
    moment: Moment
    settings: Settings
    rates: DecayRates
    threshold: float
    scores: Scores
    workspace: Workspace
    draws_bands: bool
    present: Array | float = field(init=False)
    is_complete: bool = field(init=False)
    value: Array = field(init=False)
    seen: Array = field(init=False)
    youngest: float = field(init=False)
    oldest: float = field(init=False)
    visits: Array = field(init=False)
    fewest: float = field(init=False)
    most: float = field(init=False)
    open: Indices = field(init=False)
    held: Indices = field(init=False)

    @property
    def expected(self) -> Array:
        """Combined prediction."""
        return self.scores.expected

    @property
    def deviations(self) -> Array:
        """Value minus the combined, and minus the slow seasonal prediction."""
        return self.workspace.deviations

    @property
    def survival_score(self) -> Array:
        """Minus log of the share of points beyond a sigma that deviate more, 0 within."""
        return np.asarray(self.workspace.survival_scores[0])

    @property
    def seasonal_score(self) -> Array:
        """The same of the seasonal deviation alone."""
        return np.asarray(self.workspace.survival_scores[1])

    def gain(self, least: float, offset: float, weight: float = 1.0) -> Gain:
        """Return ``weight`` / (points seen + ``offset``), but at least ``weight`` x ``least``: a mean that turns into a moving one."""
        return self._decay(self.seen, (self.youngest, self.oldest), offset, least, weight)

    def visit_gain(self, offset: float, longest: float, weight: float = 1.0) -> Gain:
        """Return ``weight`` / (visits of the hour + ``offset``), but at least ``weight`` / ``longest``."""
        return self._decay(self.visits, (self.fewest, self.most), offset, 1 / longest, weight)

    def _decay(self, count: Array, bounds: tuple[float, float], offset: float, least: float, weight: float) -> Gain:
        """Return the gain of every series, a single one where all have forgotten their beginning, or have the same."""
        (fewest, most), floor = bounds, np.float32(weight * least)
        if (fewest + offset - 1) * least > 1:
            return floor
        if fewest == most:
            return max(np.float32(weight) / (np.float32(fewest) + np.float32(offset)), floor)
        gain = np.add(count, offset, out=self.workspace.gain)
        np.divide(weight, gain, out=gain)
        return np.asarray(np.maximum(gain, floor, out=gain))

    def keep_present(self, changes: Array) -> Array:
        """Return changes, of which those where no value arrived are now 0."""
        if not self.is_complete:
            changes *= self.present
        return changes
