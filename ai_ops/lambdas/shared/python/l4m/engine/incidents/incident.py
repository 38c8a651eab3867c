"""An incident as it goes on: its place, its side, what came and what was due since it began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ARRAYS = ("leaves", "actual", "due", "variance", "absent")
LONGEST_TRACE = 96  # intervals of which the course is kept
TINY = 1e-9


@dataclass(eq=False)
class OpenIncident:
    """One side of one place.

    Attributes
    ----------
    start, noticed, end : numbers of intervals: in which it began, was noticed, and was seen last
    start_time, noticed_time, end_time : epoch seconds of the same
    side : 1 for more, -1 for less than was due
    leaves : bool array, shape (leaves,): where it lives
    lead, node : measure that shows it best, and the node of its place
    window : intervals over which it had to add up to be seen
    actual, due, variance, absent : float arrays, shape (measures, leaves)
        Sums over the intervals in which it went on; ``absent`` is what was due of leaves of which no row came.
    onsets : first interval of each measure that takes part
    strength : of its strongest interval, in units of what opens an incident
    recent, recent_due : decaying means of its deviation and of what is due of its place
    quiet : intervals since it was seen last
    untold : why it is not told, empty if it is
    is_shape : it changes sides with the hours: not the level has changed, but the course of a day
    """

    id: str
    start: int
    noticed: int
    end: int
    start_time: int
    noticed_time: int
    end_time: int
    side: int
    lead: int
    node: int
    window: int
    leaves: Bools
    actual: Floats
    due: Floats
    variance: Floats
    absent: Floats
    onsets: dict[int, int] = field(default_factory=dict)
    strength: float = 1.0
    recent: float = 0.0
    recent_due: float = 0.0
    quiet: int = 0
    untold: str = ""
    is_shape: bool = False
    is_lasting: bool = False
    trace: list[list[float]] = field(default_factory=list)

    @property
    def effect(self) -> float:
        """By which share of what was due the place has been off, on average."""
        due = float(self.due[self.lead, self.leaves].sum())
        return float(self.actual[self.lead, self.leaves].sum() - due) / max(abs(due), TINY)

    @property
    def is_missing(self) -> bool:
        """Whether most of what it lacks is due of leaves of which no row came."""
        lacks = float((self.due - self.actual)[self.lead, self.leaves].sum())
        return self.side < 0 and float(self.absent[self.lead, self.leaves].sum()) * 2 > lacks

    def add(self, value: NDArray[Any], due: NDArray[Any], variance: NDArray[Any], absent: Bools, sigmas: Sequence[float]) -> None:
        """Add an interval; arrays of shape (leaves, measures), ``sigmas`` the deviations of the place's measures."""
        self.actual += value.T
        self.due += due.T
        self.variance += variance.T
        self.absent += (absent * np.maximum(due, 0)).T
        if len(self.trace) < LONGEST_TRACE:
            self.trace.append([round(float(one), 2) for one in sigmas])

    def resize(self, leaves: int) -> None:
        """Make room for leaves that have appeared since."""
        more = leaves - len(self.leaves)
        if more > 0:
            for name in ARRAYS:
                array = getattr(self, name)
                setattr(self, name, np.pad(array, ((0, 0),) * (array.ndim - 1) + ((0, more),)))

    def to_document(self) -> dict[str, Any]:
        """Return everything but the arrays, as JSON can hold it."""
        return {name: value for name, value in self.__dict__.items() if name not in ARRAYS}

    @classmethod
    def from_document(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> OpenIncident:
        """Return the incident that ``to_document`` described."""
        onsets = {int(measure): start for measure, start in document["onsets"].items()}
        return cls(**{**document, "onsets": onsets, **{name: arrays[name] for name in ARRAYS}})
