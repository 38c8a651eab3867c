"""What the values seen so far say about each measure: whether it counts something, whether it can be negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.model import Aggregation, Measure

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MeasureTraits:
    """Traits by interval; arrays of shape (intervals, measures).

    Attributes
    ----------
    is_count : a sum of whole numbers only, up to and with this interval
    is_positive : never negative, up to and with this interval
    """

    is_count: Bools
    is_positive: Bools

    def part(self, intervals: slice) -> MeasureTraits:
        """Return the traits of some of the intervals."""
        return MeasureTraits(self.is_count[intervals], self.is_positive[intervals])


class TraitFinder:
    """Remembers which traits still hold; one that was broken once never holds again.

    Examples
    --------
    >>> finder = TraitFinder([Measure("views")])
    >>> finder.observe(np.array([[[3.0], [2.5], [4.0]]], np.float32)).is_count[:, 0].tolist()
    [True, False, False]
    """

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._is_count = np.array([measure.aggregation is Aggregation.SUM for measure in measures], np.bool_)
        self._is_positive = np.ones(len(measures), np.bool_)

    def observe(self, values: NDArray[np.float32]) -> MeasureTraits:
        """Return the traits of consecutive intervals; ``values`` has shape (measures, intervals, leaves)."""
        traits = MeasureTraits(np.zeros((values.shape[1], len(values)), np.bool_), np.zeros((values.shape[1], len(values)), np.bool_))
        for measure, leaves in enumerate(values):
            if self._is_count[measure]:
                traits.is_count[:, measure] = ~np.logical_or.accumulate((np.trunc(leaves) != leaves).any(axis=1, where=~np.isnan(leaves)))
            if self._is_positive[measure]:
                traits.is_positive[:, measure] = ~np.logical_or.accumulate((leaves < 0).any(axis=1))
        self._is_count, self._is_positive = traits.is_count[-1], traits.is_positive[-1]
        return traits

    def to_document(self) -> list[list[bool]]:
        """Return what holds, as JSON can keep it."""
        return [self._is_count.tolist(), self._is_positive.tolist()]

    def restore(self, document: Sequence[Sequence[bool]]) -> None:
        """Take up what ``to_document`` returned."""
        self._is_count, self._is_positive = (np.array(one, np.bool_) for one in document)
