"""Noise: how far a series scatters around what is expected of it, by the size of the expectation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

WINSOR = 9.0  # variances that one residual counts for at most: three sigma
WINSOR_FROM = 8.0  # points, before which a scale is too young to say what is too much
PRIOR = 10.0  # points for which the grain that all series share stands in
LEAST_SHARE = 1e-4  # variance of a hundredth of the expectation: what is steadier is not known better
COUNT_FLOOR = 0.25  # variance of a count, at least: half of one
SPREAD = 0.02  # of squared sizes, from which on what grows with the size can be told from what grows with its square
LEAST_SIZE = 0.1  # of the mean size, to which squares are related at least
GRAIN_QUANTILE, GRAIN_RANGE, ROLLUP_GRAIN = 0.25, 4.0, 1.5  # which leaf is asked, by how much others may exceed it, what rollups have
FEWEST_LEAVES = 4  # of which a grain is believed
TINY = np.float32(1e-9)
LARGEST = np.float32(1e12)


class Noise:
    """Learns var(y | e) = grain * m + share * e^2 + floor of every series, with m = ((sqrt y + sqrt e) / 2)^2.

    The grain is that of sums of parts (1 for counts, the size of a part for amounts), the share that of what moves all parts
    together, the floor what the baseline errs by whatever is due. They follow from two weighted means of squared residuals
    (moment estimators of a quasi-likelihood: McCullagh and Nelder 1989, ch. 9).
    The mean of the roots makes (y - e) / sqrt(grain * m) the variance-stabilised 2 (sqrt y - sqrt e) of
    Anscombe (1948), so that a rise from nothing is judged as surely as a fall to nothing. Residuals are winsorised at three
    sigma; every one of them counts, those of calm hours too.

    Parameters
    ----------
    nodes, measures : int
    span : float
        Points of the longest memory.
    """

    FIELDS = ("points", "squares", "ratios", "means", "sizes", "inverses", "grain", "share", "floor")

    def __init__(self, nodes: int, measures: int, span: float) -> None:
        shape = (nodes, measures)
        self.points, self.squares, self.ratios = (np.zeros(shape, np.float32) for _ in range(3))
        self.means, self.sizes, self.inverses = (np.zeros(shape, np.float32) for _ in range(3))
        self.grain, self.floor = (np.zeros(shape, np.float32) for _ in range(2))
        self.share = np.full(shape, LEAST_SHARE, np.float32)
        self._span = span

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.points)
        for name in self.FIELDS:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.full((more, array.shape[1]), LEAST_SHARE if name == "share" else 0, np.float32)]))

    def variance(self, value: Array, expected: Array, size: Array, nodes: Any = slice(None)) -> Array:
        """Return the variance of values around expectations that are differences of numbers as large as ``size``."""
        root = np.sqrt(np.maximum(value, 0))
        root += np.sqrt(np.maximum(expected, 0))
        root *= np.float32(0.5)
        return np.asarray(self.grain[nodes] * np.square(root) + self.share[nodes] * np.square(size) + self.floor[nodes])

    def sum_variance(self, sums: Array, dues: Array, squares: Array, lengths: Array) -> Array:
        """Return the variance of sums of residuals over windows, were intervals independent; shape (windows, nodes, measures)."""
        root = np.sqrt(np.maximum(dues + sums, 0))
        root += np.sqrt(np.maximum(dues, 0))
        np.square(root, out=root)
        root *= self.grain * np.float32(0.25)
        root += self.share * squares
        root += self.floor * lengths
        return np.asarray(np.maximum(root, TINY, out=root))

    def learn(self, residual: Array, size: Array, variance: Array, weight: Array) -> None:
        """Learn residuals; ``weight`` is 1 where one counts, 0 where nothing is known or an incident is open."""
        square = np.square(residual)
        np.minimum(square, WINSOR * np.maximum(variance, TINY), out=square, where=self.points >= WINSOR_FROM)
        np.minimum(square, LARGEST, out=square)
        gain = weight / np.minimum(self.points + 1, self._span)
        self.points += weight
        self.squares += gain * (square - self.squares)
        self.means += gain * (size - self.means)
        self.sizes += gain * (np.square(size) - self.sizes)
        inverse = 1 / np.maximum(size, np.float32(LEAST_SIZE) * self.means + TINY)
        self.ratios += gain * (square * inverse - self.ratios)
        self.inverses += gain * (inverse - self.inverses)

    def settle(self, additive: NDArray[np.bool_], counts: NDArray[np.bool_], is_leaf: NDArray[np.bool_]) -> None:
        """Solve for grain, share and floor.

        ``additive`` says whether values are sums of parts that cannot be negative, others have a constant and a share only;
        ``counts`` whether they are whole numbers, bool arrays of shape (measures,); ``is_leaf`` has the shape (nodes,).

        The grain is a matter of the measure, not of the node: adding up makes no part larger. So it is read from the leaves, where
        it dominates, and what rollups stray beyond it is share and floor.
        """
        spread = self.sizes - np.square(self.means)
        known = (self.points > 20) & (self.means > 0)
        slope = np.where(spread > SPREAD * self.sizes, (self.squares - self.ratios * self.means) / np.maximum(spread, TINY), 0)
        slope = np.clip(slope, 0, self.squares / np.maximum(self.sizes, TINY))
        apparent = np.maximum(self.squares - slope * self.sizes, 0) / np.maximum(self.means, TINY)
        grain = np.zeros_like(apparent)
        for m in np.flatnonzero(additive):
            usual = self._usual_grain(apparent[:, m], known[:, m] & is_leaf, bool(counts[m]))
            own = np.clip(apparent[:, m], 0, GRAIN_RANGE * usual)
            weight = np.minimum(self.points[:, m], self._span)
            grain[:, m] = np.where(is_leaf, (weight * own + PRIOR * usual) / (weight + PRIOR), ROLLUP_GRAIN * usual)
        rest, rest_ratio = self.squares - grain * self.means, self.ratios - grain
        det = self.sizes * self.inverses - self.means
        is_sure = det > SPREAD * self.means
        share = np.where(is_sure, (rest * self.inverses - rest_ratio) / np.maximum(det, TINY), rest / np.maximum(self.sizes, TINY))
        share = np.clip(share, 0, np.maximum(rest, 0) / np.maximum(self.sizes, TINY))
        least = np.where(counts & additive, np.float32(COUNT_FLOOR), np.square(np.float32(0.01) * self.means))
        self.grain[:] = grain
        self.share[:] = np.maximum(share, LEAST_SHARE)
        self.floor[:] = np.maximum(rest - share * self.sizes, least) + TINY

    @staticmethod
    def _usual_grain(apparent: NDArray[Any], leaves: NDArray[np.bool_], is_count: bool) -> float:
        """Return the grain of a measure: of the leaves that show least but noise of counting; of a count it is no less than 1."""
        found = apparent[leaves]
        if is_count:
            return max(1.0, float(np.quantile(found, GRAIN_QUANTILE))) if len(found) >= FEWEST_LEAVES else 1.0
        return float(np.quantile(found, GRAIN_QUANTILE)) if len(found) else 0.0

    def to_arrays(self) -> dict[str, Array]:
        """Return everything that was learned, by name."""
        return {name: getattr(self, name) for name in self.FIELDS}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in self.FIELDS:
            setattr(self, name, arrays[name])
