"""Cause and effect between the measures of an incident, from which of them leads and which one lags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from l4m.engine.incidents.contribution import share_out

LONGEST_LAG = 3  # intervals
LEAST_CORRELATION = 0.5


def relate(measures: Sequence[str], onsets: Mapping[int, int], trace: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Return, per cause, the measures it drives, each with the cause's share, in per cent, of all that drive that measure.

    Parameters
    ----------
    onsets : mapping
        First interval of each measure that moved.
    trace : float array, shape (intervals, measures)
        Deviation of every measure over the incident, in standard errors.

    Notes
    -----
    A measure that moved earlier is a cause of one that moved later. Measures that began together are ordered by the lag at
    which their courses agree best (cross-correlation); without a lead there is no cause.

    Examples
    --------
    >>> relate(["visits", "orders"], {0: 0, 1: 3600}, np.array([[-9.0, 0.0], [-9.0, -8.0], [-9.0, -8.0]]))
    {'visits': {'orders': 100.0}}
    """
    drives: dict[int, dict[str, float]] = {}
    for effect in onsets:
        for cause in onsets:
            if cause != effect:
                weight = _lead(onsets, trace, cause, effect)
                if weight > 0:
                    drives.setdefault(effect, {})[measures[cause]] = weight
    relations: dict[str, dict[str, float]] = {}
    for effect, weights in drives.items():
        for name, share in share_out(weights).items():
            relations.setdefault(name, {})[measures[effect]] = share
    return relations


def _lead(onsets: Mapping[int, int], trace: NDArray[np.float64], cause: int, effect: int) -> float:
    """Return how much ``cause`` leads ``effect``: its size if it began earlier or its course comes first, else 0."""
    if onsets[cause] != onsets[effect]:
        return float(np.abs(trace[:, cause]).max(initial=1e-9)) if onsets[cause] < onsets[effect] else 0.0
    ahead = max(
        (_agreement(trace[:-lag, cause], trace[lag:, effect]) for lag in range(1, LONGEST_LAG + 1) if len(trace) > lag + 3), default=0.0
    )
    behind = max(
        (_agreement(trace[lag:, cause], trace[:-lag, effect]) for lag in range(1, LONGEST_LAG + 1) if len(trace) > lag + 3), default=0.0
    )
    together = _agreement(trace[:, cause], trace[:, effect])
    return ahead if ahead >= LEAST_CORRELATION and ahead > max(behind, together) else 0.0


def _agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the absolute correlation of two courses, 0 where one of them is flat."""
    if not len(one):
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return abs(float((one * other).sum())) / size if size > 1e-9 else 0.0
