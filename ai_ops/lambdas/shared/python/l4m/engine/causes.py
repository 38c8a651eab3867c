"""Root causes: the combinations of dimension values whose leaves moved together, found by a likelihood-ratio scan of every cuboid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from l4m.engine.cuboids import Cuboid, build_cuboids
from l4m.engine.deviations import OUTLIERS, Floats, Ints, bin_leaves, log_ratios, quiet_density

MAXIMUM_CAUSES = 20
ROUNDS = 3


@dataclass(frozen=True)
class Element:
    """A combination of dimension values: positions of its dimensions, its codes, its leaves and its log likelihood ratio less cost."""

    dimensions: tuple[int, ...]
    codes: tuple[int, ...]
    leaves: Ints
    score: float


@dataclass
class Candidates:
    """The elements of one cuboid during a search: bounds of their scores per direction, and the scores known."""

    cuboid: Cuboid
    bounds: Floats
    exact: dict[int, float] = field(default_factory=dict)


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
    for turn in range(ROUNDS):
        table = log_ratios(leaves, quiet_density(leaves, quiet, two_sided=turn > 0))
        now = _take_best(cuboids, leaves.cells, table)
        same = [(one.dimensions, one.codes) for one in now] == [(one.dimensions, one.codes) for one in found]
        found = now
        if same or not found:
            break
        quiet = np.ones(len(rows), bool)
        quiet[np.concatenate([one.leaves for one in found])] = False
    return [_name(one, codes[rows], rows) for one in found]


def _name(found: Element, codes: NDArray[np.integer], rows: Ints) -> Element:
    """Give an element its codes and the numbers of its leaves in the caller's table."""
    first = codes[found.leaves[0]]
    return Element(found.dimensions, tuple(int(first[d]) for d in found.dimensions), rows[found.leaves], found.score)


def _take_best(cuboids: list[Cuboid], cells: Ints, table: NDArray[np.float32]) -> list[Element]:
    """Take the best element, set its leaves aside, and repeat while any is worth its cost."""
    half = len(table) // 2
    weights = np.maximum(np.stack([table[:half].max(0), table[half:].max(0)])[:, cells].astype(np.float64), np.log(OUTLIERS))
    alive = np.ones(len(cells), bool)
    pool = [Candidates(one, np.stack([np.bincount(one.keys, side, one.size) for side in weights])) for one in cuboids]
    found: list[Element] = []
    while len(found) < MAXIMUM_CAUSES:
        best = _find_best(pool, cells, table, alive)
        if best is None:
            break
        found.append(best)
        alive[best.leaves] = False
        _set_aside(pool, best.leaves, weights)
    return found


def _set_aside(pool: list[Candidates], leaves: Ints, weights: Floats) -> None:
    """Lower the bounds of the elements that owned these leaves and forget their exact scores."""
    for one in pool:
        keys = one.cuboid.keys[leaves]
        for side in (0, 1):
            np.subtract.at(one.bounds[side], keys, weights[side, leaves])
        for key in set(keys.tolist()) & one.exact.keys():
            del one.exact[key]


def _find_best(pool: list[Candidates], cells: Ints, table: NDArray[np.float32], alive: NDArray[np.bool_]) -> Element | None:
    """Score elements in the order of their bounds until none left can beat the best; one that its parts explain better is out."""
    bounds = [one.bounds.max(0) - one.cuboid.cost for one in pool]
    picked = [np.flatnonzero(bound > 0.0) for bound in bounds]
    owner = np.repeat(np.arange(len(pool)), [len(keys) for keys in picked])
    element = np.concatenate(picked)
    bound = np.concatenate([one[keys] for one, keys in zip(bounds, picked, strict=True)])
    best, winner = 0.0, None
    for at in np.argsort(-bound, kind="stable"):
        if bound[at] <= best:
            break
        one, key = pool[owner[at]], int(element[at])
        if key not in one.exact:
            one.exact[key] = _score(pool, one.cuboid, np.flatnonzero((one.cuboid.keys == key) & alive), cells, table)
        if one.exact[key] > best:
            best, winner = one.exact[key], (one.cuboid, key)
    if winner is None:
        return None
    cuboid, key = winner
    return Element(cuboid.dimensions, (key,), np.flatnonzero((cuboid.keys == key) & alive), best)


def _score(pool: list[Candidates], cuboid: Cuboid, rows: Ints, cells: Ints, table: NDArray[np.float32]) -> float:
    """Return an element's log likelihood ratio less cost; 0 when its parts along one dimension explain more."""
    cells = cells[rows]
    score = float((table @ np.bincount(cells, minlength=table.shape[1]).astype(np.float32)).max()) - cuboid.cost
    if score <= 0.0:
        return score
    level = len(cuboid.dimensions)
    cost = next((one.cuboid.cost for one in pool if len(one.cuboid.dimensions) == level + 1), 0.0)
    for part in (one.cuboid for one in pool):
        if len(part.dimensions) != 1 or part.dimensions[0] in cuboid.dimensions:
            continue
        flat = np.bincount(part.keys[rows] * table.shape[1] + cells, minlength=part.size * table.shape[1])
        parts = (flat.reshape(part.size, -1).astype(np.float32) @ table.T).max(1) - cost
        if np.maximum(parts, 0.0).sum() > score:
            return 0.0
    return score
