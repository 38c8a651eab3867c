"""Explaining one table of leaves: named root causes with their share of the deviation and their change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from l4m.engine.results import Cause
from l4m.engine.root_cause.scan import scan

Floats = NDArray[np.float64]


def explain(
    codes: NDArray[np.integer],
    values: Mapping[str, Sequence[str]],
    actual: Floats,
    expected: Floats,
    scale: Floats | None = None,
) -> list[Cause]:
    """Return the combinations of dimension values that explain why actual values are not the expected ones, strongest first.

    Parameters
    ----------
    codes : int array, shape (leaves, dimensions)
        Position of each leaf's value in ``values``.
    values : mapping of str to sequence of str
        Names of the dimensions, in the order of the columns of ``codes``, and the values of each.
    actual, expected : float arrays, shape (leaves,)
        NaN counts as 0.
    scale : float array, shape (leaves,), optional
        Typical error of each expected value; estimated from the table when absent.

    Returns
    -------
    list of Cause
        ``contribution`` is the share of the whole net deviation, ``change`` actual over expected less 1. Empty when noise
        explains everything.

    Examples
    --------
    >>> codes = np.array([[a, b] for a in range(8) for b in range(8)])
    >>> expected = np.full(64, 100.0)
    >>> actual = np.where(codes[:, 1] == 3, 40.0, 99.0 + codes.sum(1) % 3)
    >>> explain(codes, {"country": "ABCDEFGH", "platform": "abcdefgh"}, actual, expected)
    [Cause(dimensions={'platform': 'd'}, contribution=99.79, change=-0.6)]
    """
    actual, expected = np.nan_to_num(np.asarray(actual, np.float64)), np.nan_to_num(np.asarray(expected, np.float64))
    deviation = actual - expected
    found = scan(codes, actual, expected, scale)
    weights = [abs(float(deviation[one.leaves].sum())) for one in found]
    explained = sum(float(deviation[one.leaves].sum()) for one in found)
    whole = max(sum(weights) + abs(float(deviation.sum()) - explained), 1e-300)
    causes, names = [], list(values)
    for one, weight in zip(found, weights, strict=True):
        total = float(expected[one.leaves].sum())
        change = float(actual[one.leaves].sum()) / total - 1.0 if total else float("inf")
        dimensions = {names[d]: values[names[d]][code] for d, code in zip(one.dimensions, one.codes, strict=True)}
        causes.append(Cause(dimensions, round(100.0 * weight / whole, 2), round(change, 4)))
    return sorted(causes, key=lambda cause: -cause.contribution)


def explain_ratio(
    codes: NDArray[np.integer],
    values: Mapping[str, Sequence[str]],
    actual: tuple[Floats, Floats],
    expected: tuple[Floats, Floats],
) -> list[Cause]:
    """Return the causes of a changed ratio such as revenue per view; pairs hold the numerator and the denominator.

    The numerator is compared with what the expected ratio makes of the actual denominator, so a change of traffic alone
    explains nothing, and leaves count by their traffic (Squeeze, ISSRE 2019, treats derived measures by the same ripple
    effect).
    """
    ratio = np.divide(expected[0], expected[1], out=np.zeros(len(expected[0])), where=np.asarray(expected[1]) != 0)
    return explain(codes, values, actual[0], ratio * np.nan_to_num(actual[1]))
