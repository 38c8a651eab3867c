"""What is not told: deviations that the user does not want to hear of, and those like one that a user called no anomaly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.results import Feedback
from l4m.engine.settings import Settings
from l4m.model import Direction

MARGIN = 5.0  # what is this much more severe than the one called normal is still normal
BY_FEEDBACK = "a user called the like no anomaly"
BY_DIRECTION = "the other direction was not asked for"
BY_SIZE = "smaller than the smallest change asked for"

Bools = NDArray[np.bool_]


class Suppression:
    """Says why an incident is not told.

    By feedback, an incident is normal when it lives in the series that the user named or in a part of it, goes to the same side, and
    is at most ``MARGIN`` more severe than the point that was no anomaly.
    """

    def __init__(self, index: HierarchyIndex, feedback: Sequence[Feedback]) -> None:
        names = [measure.name for measure in index.settings.measures]
        self._settings: Settings = index.settings
        self._rules = [(names.index(one.measure), _leaves_below(index, one), one) for one in feedback if one.measure in names]

    def reason(self, measure: int, leaves: Bools, side: int, severity: float, *, deviation: float, due: float) -> str:
        """Return why an incident is not told, or an empty text; deviation and due are those of an interval."""
        settings = self._settings
        if settings.direction is (Direction.DOWN if side > 0 else Direction.UP):
            return BY_DIRECTION
        if abs(deviation) < settings.minimum_absolute or abs(deviation) < settings.minimum_relative * abs(due):
            return BY_SIZE
        for number, below, one in self._rules:
            same_side = (one.direction == "up") == (side > 0)
            if number == measure and same_side and severity <= one.severity + MARGIN and bool(below[leaves].all()):
                return BY_FEEDBACK
        return ""


def _leaves_below(index: HierarchyIndex, one: Feedback) -> Bools:
    """Return which leaves belong to the series of a feedback."""
    names = index.settings.dimensions
    wanted = [(names.index(name), value) for name, value in one.dimensions.items() if name in names]
    return np.array([all(leaf[d] == value for d, value in wanted) for leaf in index.leaves], np.bool_)
