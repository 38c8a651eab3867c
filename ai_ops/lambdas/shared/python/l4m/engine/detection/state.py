"""What a detector remembers of its series: float32 arrays, one row per phase, one column per series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import blank_rows

Array = NDArray[np.float32]


def rows(kind: str | int = 1, initial: float = 0.0) -> dict[str, Any]:
    """Declare an array of ``kind`` rows (a number, or a kind of season) that starts at ``initial``."""
    return {"rows": kind, "initial": initial}


@dataclass
class DetectorState:
    """Arrays of shape (rows, series); a row is contiguous, so that one phase of all series is read at once."""

    seen: Array = field(metadata=rows())  # points observed
    absent: Array = field(metadata=rows())  # intervals since the last point
    silence: Array = field(metadata=rows())  # -log10 of the chance of that absence
    presence: Array = field(metadata=rows("hours"))  # share of intervals that reported, by hour
    visits: Array = field(metadata=rows("hours"))  # points observed, by hour
    last: Array = field(metadata=rows())  # last value
    slow: Array = field(metadata=rows())  # slow level beside the profiles
    drift: Array = field(metadata=rows())  # fast autoregressive remainder of level and profiles
    daily: Array = field(metadata=rows("phases"))  # deviation from the slow level, by phase of the day
    weekly: Array = field(metadata=rows("weeks"))  # further deviation, by phase of the week
    earlier: Array = field(metadata=rows("dates"))  # effect of a date at its last visit but one, share of the season's size
    later: Array = field(metadata=rows("dates"))  # the same at its last visit
    today: Array = field(metadata=rows(2))  # of a day on such a date: sum of the season's errors, and of its size
    effect: Array = field(metadata=rows())  # what is expected of that day
    error: Array = field(metadata=rows(4))  # running winsorised absolute error of each predictor
    size: Array = field(metadata=rows())  # mean absolute value
    center: Array = field(metadata=rows())  # mean value
    spread: Array = field(metadata=rows())  # mean absolute deviation from it
    zeros: Array = field(metadata=rows())  # share of zeros
    least: Array = field(metadata=rows(1, 1e-12))  # smallest scale that these four allow
    growth: Array = field(metadata=rows())  # by how much the scale grows with the expected value, per unit of it
    tail: Array = field(metadata=rows(2, 0.577))  # mean log2 of deviations beyond a sigma, fast and seasonal, middle of up and down
    asymmetry: Array = field(metadata=rows(2))  # by how much that of upward ones is more than the middle, and that of downward ones less
    anomaly: Array = field(metadata=rows())  # points observed at the last anomaly, this one included, with its sign; 0 if there was none
    event: Array = field(metadata=rows(2))  # open event: its sign (0 when none is), and its age in intervals

    @classmethod
    def blank(cls, season: Mapping[str, int], series: int) -> DetectorState:
        """Return the state of ``series`` series of which nothing was seen yet."""
        rows_of = {f.name: season.get(f.metadata["rows"], f.metadata["rows"]) for f in fields(cls)}
        state = cls(**{f.name: blank_rows(rows_of[f.name], series) for f in fields(cls)})
        for f in fields(cls):
            getattr(state, f.name).fill(f.metadata["initial"])
        return state

    @classmethod
    def of(cls, season: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]) -> DetectorState:
        """Return the state that arrays hold; one that is not among them begins blank, and what no field is for is left out."""
        series = next((array.shape[1] for array in arrays.values()), 0)
        own = {f.name: np.ascontiguousarray(arrays[f.name], np.float32) for f in fields(cls) if f.name in arrays}
        blank = cls.blank(season, series if len(own) < len(fields(cls)) else 0)
        return cls(**{**blank.arrays(), **own})

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def columns(self, which: slice) -> DetectorState:
        """Return a view of some series; what is written to it is written here."""
        return DetectorState(*(array[:, which] for array in vars(self).values()))

    def extended(self, other: DetectorState) -> DetectorState:
        """Return a copy with the series of ``other`` behind the ones here."""
        arrays = {}
        for name, mine in self.arrays().items():
            theirs = getattr(other, name)
            arrays[name] = blank_rows(len(mine), mine.shape[1] + theirs.shape[1])
            np.concatenate([mine, theirs], axis=1, out=arrays[name])
        return DetectorState(**arrays)


def put_under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return arrays with a prefix to their names, so that those of several can be kept together."""
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def take_from(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return those whose names have the prefix, without it.

    >>> take_from("a.", put_under("a.", {"x": np.ones(1)}) | put_under("b.", {"x": np.zeros(1)}))
    {'x': array([1.])}
    """
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
