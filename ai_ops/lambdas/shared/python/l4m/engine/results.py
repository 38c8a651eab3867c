"""What detection says: points, anomaly groups and incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence


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

    @classmethod
    def blank(cls, nodes: tuple[tuple[str, ...], ...], shape: tuple[int, ...]) -> Points:
        """Return points of a shape, not filled in yet."""
        value, expected, lower, upper, severity = (np.empty(shape, np.float32) for _ in range(5))
        return cls(nodes, value, expected, lower, upper, severity, np.empty(shape, np.bool_))

    def fill(self, evidence: Evidence, where: slice) -> None:
        """Copy the evidence of some of the intervals."""
        for name in ("expected", "lower", "upper"):
            getattr(self, name)[:, where] = getattr(evidence, name)
        self.value[:, where] = np.where(evidence.missing, np.float32(np.nan), evidence.value)
        self.severity[:, where] = np.where(evidence.missing, np.float32(np.nan), evidence.severity)
        self.is_anomaly[:, where] = evidence.anomalous & ~evidence.missing


@dataclass(frozen=True)
class Outcome:
    """What one block brought: its groups, and each incident that it opened, changed or closed, as it now stands."""

    groups: tuple[Group, ...]
    incidents: tuple[Incident, ...]
    points: Points | None = None
