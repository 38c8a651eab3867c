"""One interval of a block of series on its way through the stages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Array
from l4m.engine.rates import Rates
from l4m.engine.room import Room
from l4m.engine.scores import Scores
from l4m.engine.seasons import Moment
from l4m.engine.settings import Settings

Indices = NDArray[np.intp]


@dataclass(slots=True)
class Point:
    """What the stages hand on to each other; arrays of shape (series,) unless they say more.

    Attributes
    ----------
    values : values of the interval, NaN where none arrived; never written to
    moment, settings, rates : where the interval stands, what the user chose, how fast the memory forgets
    threshold : surprise from which a point is an anomaly
    scores : what is said about the points of this interval, filled in on the way
    room : working space
    draws_bands : whether bands are wanted of all points, not only of what is anomalous or missing
    present, is_complete : 1 where a value arrived, else 0, a single 1 if all did; whether all did
    value : the value, or the last one where none arrived; never written to
    seen, youngest : points seen before this one, and the least of them
    visits, fewest : points seen at this hour, this one included, and the least of them before it
    open, held : indices of the series in which an event is open, and of those in which it began earlier and goes on
    """

    values: Array
    moment: Moment
    settings: Settings
    rates: Rates
    threshold: float
    scores: Scores
    room: Room
    draws_bands: bool
    present: Array | float = field(init=False)
    is_complete: bool = field(init=False)
    value: Array = field(init=False)
    seen: Array = field(init=False)
    youngest: float = field(init=False)
    visits: Array = field(init=False)
    fewest: float = field(init=False)
    open: Indices = field(init=False)
    held: Indices = field(init=False)

    @property
    def expected(self) -> Array:
        """Combined prediction."""
        return self.scores.expected

    @property
    def deviations(self) -> Array:
        """Value minus the combined, and minus the slow seasonal prediction."""
        return self.room.deviations

    @property
    def surprise(self) -> Array:
        """Minus log of the share of points beyond a sigma that deviate more, 0 within."""
        return np.asarray(self.room.surprises[0])

    @property
    def lasting(self) -> Array:
        """The same of the seasonal deviation alone."""
        return np.asarray(self.room.surprises[1])

    def gain(self, least: float, offset: float, weight: float = 1.0) -> Array | float:
        """Return ``weight`` / (points seen + ``offset``), but at least ``weight`` x ``least``: a mean that turns into a moving one."""
        if (self.youngest + offset - 1) * least > 1:
            return weight * least
        return self._decay(self.seen, offset, least, weight)

    def visit_gain(self, offset: float, longest: float, weight: float = 1.0) -> Array | float:
        """Return ``weight`` / (visits of the hour + ``offset``), but at least ``weight`` / ``longest``."""
        if self.fewest + offset >= longest:
            return weight / longest
        return self._decay(self.visits, offset, 1 / longest, weight)

    def _decay(self, count: Array, offset: float, least: float, weight: float) -> Array:
        gain = np.add(count, offset, out=self.room.gain)
        np.divide(weight, gain, out=gain)
        return np.asarray(np.maximum(gain, weight * least, out=gain))

    def keep_present(self, changes: Array) -> Array:
        """Return changes, of which those where no value arrived are now 0."""
        if not self.is_complete:
            changes *= self.present
        return changes
