"""Root causes: the combinations of dimension values whose leaves moved together, found by a likelihood-ratio scan of every cuboid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.cuboids import Cuboid, build_cuboids
from l4m.engine.root_cause.best_first import Element, Search, Table
from l4m.engine.root_cause.likelihood import Floats, Ints, bin_leaves, cause_densities, log_ratios, quiet_density

MAXIMUM_CAUSES = 20
ROUNDS = 2


def scan(codes: NDArray[np.integer], actual: Floats, expected: Floats, scale: Floats | None = None) -> list[Element]:
    """Return the combinations of dimension values that explain the deviations, best first.

    Parameters
    ----------
    codes : int array, shape (leaves, dimensions)
        Value of each dimension, as a number from 0.
    actual, expected : float arrays, shape (leaves,)
        What came, and what was to be expected.
    scale : float array, shape (leaves,), optional
        Typical error of each expectation; estimated from the table when absent.

    Returns
    -------
    list of Element
        Empty when noise explains everything.

    Notes
    -----
    Every element of every cuboid is asked whether its leaves share one ratio of actual to expected ("ripple effect", Squeeze,
    ISSRE 2019), against a null density taken from the quiet leaves, less the length of describing it (Rissanen 1978). The best
    is taken, its leaves are set aside, and the scan goes on; then the null is taken anew from the leaves that no cause explains.

    Examples
    --------
    >>> codes = np.array([[a, b] for a in range(8) for b in range(8)])
    >>> expected = np.full(64, 100.0)
    >>> actual = np.where(codes[:, 1] == 3, 40.0, 99.0 + codes.sum(1) % 3)
    >>> [(cause.dimensions, cause.codes) for cause in scan(codes, actual, expected)]
    [((1,), (3,))]
    """
    rows = np.flatnonzero((np.abs(actual) + np.abs(expected)) > 0)
    if not len(rows):
        return []
    leaves = bin_leaves(actual[rows], expected[rows], None if scale is None else scale[rows])
    cuboids = build_cuboids(codes[rows])
    found: list[Element] = []
    quiet = np.ones(len(rows), bool)
    shapes = cause_densities(leaves.noise)
    for turn in range(ROUNDS):
        table = log_ratios(shapes, quiet_density(leaves, quiet, two_sided=turn > 0))
        now = _take_best(cuboids, leaves.cells, table)
        same = [(one.dimensions, one.leaves[0]) for one in now] == [(one.dimensions, one.leaves[0]) for one in found]
        found = now
        if same or not found:
            break
        quiet = np.ones(len(rows), bool)
        quiet[np.concatenate([one.leaves for one in found])] = False
    return [_name(one, codes, rows) for one in found]


def _name(found: Element, codes: NDArray[np.integer], rows: Ints) -> Element:
    """Give an element its codes and the numbers of its leaves in the caller's table."""
    first = codes[rows[found.leaves[0]]]
    return Element(found.dimensions, tuple(int(first[d]) for d in found.dimensions), rows[found.leaves], found.score)


def _take_best(cuboids: list[Cuboid], cells: Ints, table: Table) -> list[Element]:
    """Take the best element, set its leaves aside, and repeat while any is worth its cost."""
    search = Search(cuboids, cells, table)
    found: list[Element] = []
    while len(found) < MAXIMUM_CAUSES:
        best = search.find_best()
        if best is None:
            break
        found.append(best)
        search.set_aside(best.leaves)
    return found
