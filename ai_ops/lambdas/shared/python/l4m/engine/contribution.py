"""How much each dimension value has contributed to an anomaly group, in shares that sum to 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from l4m.engine.results import SeriesAnomaly

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


def contribute(dimensions: Sequence[str], series: Sequence[SeriesAnomaly]) -> dict[str, dict[str, float]]:
    """Return, per dimension, each value's share of the deviation of the anomalous series.

    Every series weighs its absolute deviation from the expected value; a missing one weighs what was expected. A dimension
    that every series has rolled up is left out.
    """
    shares = {}
    for dimension in dimensions:
        weights: dict[str, float] = {}
        for one in series:
            if dimension in one.dimensions:
                value = one.dimensions[dimension]
                weights[value] = weights.get(value, 0.0) + abs((0.0 if one.value != one.value else one.value) - one.expected)
        if weights:
            shares[dimension] = share_out(weights)
    return shares
