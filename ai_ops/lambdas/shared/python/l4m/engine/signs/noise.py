"""Noise: how far a series scatters around what is expected of it, by the size of the expectation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

WINSOR = 9.0  # variances that one residual counts for at most: three sigma
PRIOR = 10.0  # points for which the grain that all series share stands in
LEAST_SHARE = 1e-4  # variance of a hundredth of the expectation: what is steadier is not known better
COUNT_FLOOR = 0.25  # variance of a count, at least: half of one
SPREAD = 0.02  # of squared sizes, from which on what grows with the size can be told from what grows with its square
UNKNOWN = 0.05  # of the expected value: the noise of a series that never moved
TINY = np.float32(1e-9)
LARGEST = np.float32(1e12)


class Noise:
    """Learns var(y | e) = grain * m + share * e^2 + floor of every series, with m = ((sqrt y + sqrt e) / 2)^2.

    The grain is that of sums of parts (1 for counts, the size of a part for amounts), the share that of what moves all parts
    together. Both follow from two weighted means of squared residuals (moment estimators of a quasi-likelihood: McCullagh and
    Nelder 1989, ch. 9). The mean of the roots makes (y - e) / sqrt(grain * m) the variance-stabilised 2 (sqrt y - sqrt e) of
    Anscombe (1948), so that a rise from nothing is judged as surely as a fall to nothing. Residuals are winsorised at three
    sigma; every one of them counts, those of calm hours too.

    Parameters
    ----------
    shape : (nodes, measures)
    additive : bool array, shape (measures,)
        Whether values are sums of parts that cannot be negative; others have a constant and a share only.
    counts : bool array, shape (measures,)
        Whether they are whole numbers.
    span : float
        Points of the longest memory.
    """

    FIELDS = ("points", "squares", "ratios", "means", "sizes", "grain", "share", "floor")

    def __init__(self, nodes: int, measures: int, span: float) -> None:
        shape = (nodes, measures)
        self.points, self.squares, self.ratios, self.means, self.sizes = (np.zeros(shape, np.float32) for _ in range(5))
        self.grain, self.share, self.floor = np.zeros(shape, np.float32), np.full(shape, LEAST_SHARE, np.float32), np.zeros(shape, np.float32)
        self._span = span

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.points)
        for name in self.FIELDS:
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.full((more, array.shape[1]), LEAST_SHARE if name == "share" else 0, np.float32)]))

    def variance(self, value: Array, expected: Array, size: Array) -> Array:
        """Return the variance of values around expectations that are differences of numbers as large as ``size``."""
        root = np.sqrt(np.maximum(value, 0))
        root += np.sqrt(np.maximum(expected, 0))
        root *= 0.5
        return self.grain * np.square(root) + self.share * np.square(size) + self.floor

    def learn(self, residual: Array, size: Array, variance: Array, weight: Array) -> None:
        """Learn residuals; ``weight`` is 1 where one counts, 0 where nothing is known or an incident is open."""
        square = np.square(residual)
        np.minimum(square, WINSOR * np.maximum(variance, TINY), out=square, where=self.points > 20)
        np.minimum(square, LARGEST, out=square)
        gain = weight / np.minimum(self.points + 1, self._span)
        self.points += weight
        self.squares += gain * (square - self.squares)
        self.means += gain * (size - self.means)
        self.sizes += gain * (np.square(size) - self.sizes)
        self.ratios += gain * (square / np.maximum(size, 0.1 * self.means + TINY) - self.ratios)

    def settle(self, additive: NDArray[np.bool_], counts: NDArray[np.bool_]) -> None:
        """Solve for grain and share."""
        spread = self.sizes - np.square(self.means)
        share = np.where(spread > SPREAD * self.sizes, (self.squares - self.ratios * self.means) / np.maximum(spread, TINY), 0)
        share = np.clip(share, 0, self.squares / np.maximum(self.sizes, TINY))
        grain = np.maximum(self.squares - share * self.sizes, 0) / np.maximum(self.means, TINY)
        known = (self.points > 20) & (self.means > 0)
        prior = np.array([self._shared_grain(grain[:, m], known[:, m], counts[m]) for m in range(grain.shape[1])], np.float32)
        weight = np.minimum(self.points, self._span)
        grain = (weight * grain + PRIOR * prior) / (weight + PRIOR)
        constant = np.where(additive, 0, np.maximum(self.squares - share * self.sizes, 0))
        self.grain[:] = np.where(additive, grain, 0)
        self.share[:] = np.maximum(share, LEAST_SHARE)
        least = np.where(counts & additive, np.float32(COUNT_FLOOR), np.square(np.float32(0.01) * self.means))
        self.floor[:] = np.maximum(constant, least) + TINY

    @staticmethod
    def _shared_grain(grain: Array, known: NDArray[np.bool_], is_count: bool) -> float:
        if is_count:
            return 1.0
        return float(np.median(grain[known])) if known.any() else 0.0

    def to_arrays(self) -> dict[str, Array]:
        """Return everything that was learned, by name."""
        return {name: getattr(self, name) for name in self.FIELDS}

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in self.FIELDS:
            setattr(self, name, arrays[name])
