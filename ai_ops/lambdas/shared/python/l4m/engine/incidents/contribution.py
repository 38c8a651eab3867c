"""How much each dimension value has contributed to an anomaly group, in shares that sum to 100."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNITS = 10_000  # hundredths of a per cent


def share_out(weights: Mapping[str, float]) -> dict[str, float]:
    """Return shares of 100, two decimals, largest first, that sum to exactly 100.

    Each share is rounded down; what is left goes to the largest remainders (Hamilton's method), so no share is off by more
    than a hundredth.

    Examples
    --------
    >>> share_out({"a": 1.0, "b": 1.0, "c": 1.0})
    {'a': 33.34, 'b': 33.33, 'c': 33.33}
    """
    total = sum(weights.values())
    if not weights:
        return {}
    exact = {name: UNITS * (weight / total if total > 0 else 1 / len(weights)) for name, weight in weights.items()}
    units = {name: int(share) for name, share in exact.items()}
    spare = UNITS - sum(units.values())
    for name in sorted(exact, key=lambda name: (units[name] - exact[name], name))[:spare]:
        units[name] += 1
    return {name: units[name] / 100 for name in sorted(units, key=lambda name: (-units[name], name))}


def contribute(deviation: Floats, codes: Ints) -> Floats:
    """Return the weight of each value of a dimension: how far its leaves deviate together, 0 where they cancel out or go against.

    Parameters
    ----------
    deviation : float array, shape (leaves,)
        From the expected value, positive towards the group's direction.
    codes : int array, shape (leaves,)
        Value of the dimension, as a number, that each leaf has.

    Examples
    --------
    >>> contribute(np.array([12.0, 8.0, 1.0, -2.0]), np.array([0, 1, 2, 2])).tolist()
    [12.0, 8.0, 0.0]
    """
    return np.maximum(np.bincount(codes, deviation), 0.0)
