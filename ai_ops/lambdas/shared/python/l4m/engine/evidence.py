"""How strongly each node says that something is going on, on one scale for leaves and rollups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detector import Scores
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Direction

BAND_SIGMAS = 3.5  # half a band, in standard errors
LEVEL_SIGMAS = (5.5, 6.5, 7.5, 8.5)  # needed by a node that keeps 0, 1, 2, more dimensions; finer ones are more
MISSING_SIGMAS = 10.0  # what the silence of an average counts: its size says nothing
LEAVING_SIGMAS = 3.0  # an incident goes on while its nodes stay this far out

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Signs of anomalies of all measures and nodes; arrays of shape (measures, intervals, nodes), float32.

    Attributes
    ----------
    value, expected, lower, upper, severity : as scored; a silent sum that should have reported counts as 0
    sigmas : deviation in standard errors, 0 where nothing can be said
    strong : enough, alone, to open an incident
    anomalous : reported as a series of a group once an incident is open
    missing : should have reported and did not
    """

    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    severity: Floats
    sigmas: Floats
    strong: Bools
    anomalous: Bools
    missing: Bools

    @classmethod
    def stack(cls, parts: list[Evidence]) -> Evidence:
        """Return the evidence of one measure after the other as one."""
        return cls(**{name: np.stack([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__})

    @property
    def error(self) -> Floats:
        """Standard error of the expected values."""
        return (self.upper - self.lower) * np.float32(0.5 / BAND_SIGMAS)


def weigh(values: Floats, scores: Scores, depths: NDArray[np.int64], aggregation: Aggregation, settings: Settings) -> Evidence:
    """Return the evidence of one measure, arrays of shape (intervals, nodes); ``depths`` are the dimensions each node keeps."""
    missing = scores.missing & (settings.direction is not Direction.UP)
    error = np.maximum((scores.upper - scores.lower) * np.float32(0.5 / BAND_SIGMAS), np.float32(1e-12))
    scored = ~np.isnan(scores.severity)
    if aggregation is Aggregation.SUM:
        values = np.where(missing, np.float32(0), values)
        sigmas = (values - scores.expected) / error
    else:
        sigmas = np.where(missing, np.float32(-MISSING_SIGMAS), (values - scores.expected) / error)
    sigmas = np.where(scored | missing, np.nan_to_num(sigmas), np.float32(0))
    needed = np.array(LEVEL_SIGMAS, np.float32)[np.minimum(depths, len(LEVEL_SIGMAS) - 1)]
    needed *= np.float32(np.interp(settings.sensitivity, [0, 50, 100], [1.4, 1.0, 0.7]))
    anomalous = scores.is_anomaly | missing
    strong = anomalous & (np.abs(sigmas) >= needed)
    severity = np.where(missing, np.clip(50 + 5 * np.abs(sigmas), 50, 99), scores.severity).astype(np.float32)
    return Evidence(values, scores.expected, scores.lower, scores.upper, severity, sigmas, strong, anomalous, missing)
