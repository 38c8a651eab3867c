"""What detection says: points, anomaly groups and incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

REASONS = (
    "",
    "part of an incident",
    "no further than the noise of its kind goes at times",
    "the cold start is not over",
    "a user called the like no anomaly",
    "the other direction was not asked for",
    "smaller than the smallest change asked for",
)


@dataclass(frozen=True)
class SeriesAnomaly:
    """One anomalous series in one interval; a rolled-up dimension is absent from ``dimensions``."""

    dimensions: Mapping[str, str]
    value: float  # NaN when the series should have reported and did not
    expected: float
    lower: float
    upper: float
    severity: float


@dataclass(frozen=True)
class Group:
    """The anomalous series of one measure in one interval: the old service's anomaly group."""

    measure: str
    start: int  # epoch seconds of the interval's begin
    severity: float  # 0-100
    direction: str  # "up" or "down"
    kind: str  # "value" or "missing"
    series: tuple[SeriesAnomaly, ...]  # most severe first
    contributions: Mapping[str, Mapping[str, float]]  # dimension -> value -> share; each dimension sums to 100
    incident_id: str


@dataclass(frozen=True)
class Cause:
    """A combination of dimension values whose series moved together; ``{}`` is everything."""

    dimensions: Mapping[str, str]
    contribution: float  # share of the whole deviation, 0-100
    change: float = 0.0  # actual against expected, -.3 for a drop by 30 %


@dataclass(frozen=True)
class Incident:
    """Groups joined over measures and adjacent intervals; the shape of ``incidents`` in the command line's JSON."""

    id: str
    start: int  # epoch seconds of the first interval
    end: int  # epoch seconds of the last interval
    severity: float
    direction: str
    kind: str
    measures: tuple[str, ...]  # the one that moved first comes first
    causes: tuple[Cause, ...]  # strongest first
    series: int
    is_open: bool = False
    relations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # cause measure -> effect measure -> share
    noticed: int = 0  # epoch seconds of the interval in which it was noticed
    actual: float = 0.0  # of the first measure where the first cause is, over all its intervals: what came,
    expected: float = 0.0  # and what was due
    is_lasting: bool = False  # it went on until it was the rule

    @property
    def change(self) -> float:
        """Actual against expected, -.3 for a drop by 30 %."""
        if not self.expected:
            return float("inf") if self.actual > 0 else 0.0
        return (self.actual - self.expected) / abs(self.expected)


@dataclass(frozen=True)
class Feedback:
    """A user's word that a series' deviation was no anomaly; taking it back is leaving it out of the next call."""

    measure: str
    dimensions: Mapping[str, str]
    severity: float  # of the point that was no anomaly
    direction: str  # "up" or "down"


@dataclass(frozen=True)
class Points:
    """Every point of a block: arrays of shape (measures, intervals, nodes); ``nodes`` name leaves and rollups (``*``)."""

    nodes: tuple[tuple[str, ...], ...]
    value: NDArray[np.float32]
    expected: NDArray[np.float32]
    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    severity: NDArray[np.float32]  # NaN where the series is not scored yet
    is_anomaly: NDArray[np.bool_]

    reason: NDArray[np.uint8]  # of an anomaly, its place in ``REASONS``; 0 elsewhere

    @classmethod
    def blank(cls, nodes: tuple[tuple[str, ...], ...], shape: tuple[int, ...]) -> Points:
        """Return points of a shape, not filled in yet."""
        value, expected, lower, upper, severity = (np.empty(shape, np.float32) for _ in range(5))
        return cls(nodes, value, expected, lower, upper, severity, np.zeros(shape, np.bool_), np.zeros(shape, np.uint8))

    @classmethod
    def join(cls, parts: Sequence[Points]) -> Points | None:
        """Return the points of parts that follow each other, None if there are none; series that came later have no points before."""
        if not parts:
            return None
        arrays = {}
        for name in ("value", "expected", "lower", "upper", "severity", "is_anomaly", "reason"):
            found = [getattr(one, name) for one in parts]
            blank = np.nan if found[0].dtype == np.float32 else 0
            wide = [(0, 0), (0, 0)]
            arrays[name] = np.concatenate(
                [np.pad(one, [*wide, (0, len(parts[-1].nodes) - one.shape[2])], constant_values=blank) for one in found], axis=1
            )
        return cls(parts[-1].nodes, **arrays)


@dataclass(frozen=True)
class Outcome:
    """What one block brought: its groups, and each incident that it opened, changed or closed, as it now stands."""

    groups: tuple[Group, ...]
    incidents: tuple[Incident, ...]
    points: Points | None = None
