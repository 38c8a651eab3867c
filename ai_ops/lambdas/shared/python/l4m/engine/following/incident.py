"""An incident as it goes on: its place, its side, what came and what was due since it began."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(eq=False)
class OpenIncident:
    """One side of one place.

    Attributes
    ----------
    start, noticed, end : numbers of intervals: in which it began, was told, and was seen last
    side : 1 for more, -1 for less than was due
    leaves : bool array, shape (leaves,): where it lives
    lead : measure that shows it best
    onsets : first interval of each measure that takes part
    actual, due, variance, absent : float arrays, shape (measures, leaves): sums since it began
    window : intervals over which it had to add up to be seen
    """

    id: str
    start: int
    noticed: int
    end: int
    side: int
    leaves: Bools
    lead: int
    node: int
    window: int
    actual: Floats
    due: Floats
    variance: Floats
    absent: Floats
    onsets: dict[int, int] = field(default_factory=dict)
    strength: float = 1.0
    recent: float = 0.0
    recent_due: float = 0.0
    quiet: int = 0
    is_lasting: bool = False
    is_young: bool = False
    series: list[tuple[int, int]] = field(default_factory=list)
    trace: list[list[float]] = field(default_factory=list)

    def effect(self) -> float:
        """Return by which share of what was due the place has been off, on average."""
        due = float(self.due[self.lead, self.leaves].sum())
        return float(self.actual[self.lead, self.leaves].sum() - due) / max(abs(due), 1e-9)
