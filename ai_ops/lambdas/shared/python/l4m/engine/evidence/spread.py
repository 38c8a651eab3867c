"""How far sums of residuals stray as a rule: of every node over every window, and how heavy the tails of a measure are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.noise import Array

BODY, LIGHT, USUAL_BEYOND = 1.5, 0.25, 0.1336  # beyond which a tail begins; mean log excess there, and its share, of a Gaussian
LARGEST_LOG = 1.5  # that one deviation adds to the tail
FAR, OPEN, TOLD = 4.0, 3.0, 0.25  # standard errors that one sum counts for at most; that one inside an incident does, and its weight
PRIOR_WEIGHT = 0.5  # Gaussian tails that are believed in before any was seen, in lengths of the memory

Bools = NDArray[np.bool_]


class Spread:
    """Learns the scale of sums, and turns sums into deviations that mean the same everywhere.

    Neighbours in time are not independent, so a sum over a day strays further than its parts say. The scale is a winsorised root
    mean square of all intervals, calm ones and those of incidents, so that incidents of the past never silence a later one, and
    what was told wrongly again and again is told less. A scale from few sums is itself not sure: Student's deviations become
    the Gaussian ones that are as rare (Wallace 1959). Where the nodes of a measure stray further than Gaussian noise as a rule,
    deviations shrink by how much heavier their tail is (Hill 1975, with a prior).

    Parameters
    ----------
    lengths : sequence of int
        Intervals of the windows.
    measures : int
    span, prior : float
        Points of the longest memory, and points for which ``usual`` stands in: a scale that grows with the window.
    """

    FIELDS = ("squares", "counts", "excess", "beyond")

    def __init__(self, lengths: list[int], measures: int, span: float, prior: float) -> None:
        self._lengths = np.array(lengths, np.float32)[:, None, None]
        self._usual = np.square(1 + 0.25 * np.log2(self._lengths))
        self._measures, self._span, self._prior = measures, span, prior
        self.squares, self.counts = np.zeros((len(lengths), 0, measures), np.float32), np.zeros((0, measures), np.float32)
        self.excess, self.beyond = (np.zeros((len(lengths), measures)) for _ in range(2))
        self.intervals = 0.0

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.counts)
        self.squares = np.concatenate([self.squares, np.zeros((len(self.squares), more, self._measures), np.float32)], axis=1)
        self.counts = np.concatenate([self.counts, np.zeros((more, self._measures), np.float32)])

    def scale(self) -> Array:
        """Return the scales, shape (windows, nodes, measures)."""
        own = np.minimum(self.counts, self._span)
        return np.asarray(np.sqrt((own * self.squares + np.float32(self._prior) * self._usual) / (own + np.float32(self._prior))))

    def standardise(self, raw: Array, scale: Array) -> Array:
        """Return Gaussian deviations of sums in standard errors of independent noise, shape (windows, nodes, measures)."""
        z = raw / scale
        window, node, measure = far = np.nonzero(np.abs(z) > BODY)
        if len(window):
            size = np.abs(z[far])
            freedom = self.counts[node, measure] / self._lengths[window, 0, 0] + 2
            size = np.sqrt(freedom * np.log1p(np.square(size) / freedom)) * ((8 * freedom + 1) / (8 * freedom + 3))
            heavy = np.maximum(self._tails(), 1)[window, measure]
            size = np.where(size > BODY, BODY * np.power(np.maximum(size, BODY) / BODY, 1 / heavy), size)
            z[far] = np.copysign(size, z[far])
        return z

    def _tails(self) -> NDArray[np.float64]:
        """Return mean log excesses in units of a Gaussian's; few excesses say nothing of a heavy tail."""
        prior = PRIOR_WEIGHT * USUAL_BEYOND
        return np.asarray((self.excess + prior * LIGHT) / (self.beyond + prior) / LIGHT)

    def learn(self, raw: Array, scale: Array, weight: Array, touched: Bools | None) -> None:
        """Learn sums; ``weight`` is 1 where one counts, ``touched`` marks nodes and measures in which an incident goes on.

        What an incident explains is no tail of the noise; that it counts for three standard errors lets what is told wrongly again and
        again be told less.
        """
        clean = weight
        size = np.minimum(np.square(raw), np.square(np.float32(FAR) * scale))
        if touched is not None:
            size[:, touched] = np.square(np.float32(OPEN) * scale)[:, touched]
            clean = weight * ~touched
            weight = weight * np.where(touched, np.float32(TOLD), np.float32(1))
        size -= self.squares
        size *= weight / np.minimum(self.counts + 1, np.float32(self._span))
        self.squares += size
        self.counts += weight
        self._learn_tails(raw, scale, clean)

    def _learn_tails(self, raw: Array, scale: Array, weight: Array) -> None:
        tests = np.maximum(weight.sum(axis=0), 1e-9)
        size = np.abs(raw)
        size /= scale
        window, node, measure = far = np.nonzero(size > BODY)
        counts, logs = np.zeros((2, *self.excess.shape))
        counted = weight[node, measure]
        np.add.at(counts, (window, measure), counted)
        np.add.at(logs, (window, measure), np.minimum(np.log(size[far] / BODY), LARGEST_LOG) * counted)
        self.intervals += float(weight.any())
        gain = 1 / min(max(self.intervals, 1), self._span)
        self.excess += gain * (logs / tests - self.excess)
        self.beyond += gain * (counts / tests - self.beyond)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        return {name: getattr(self, name) for name in self.FIELDS} | {"intervals": np.array([self.intervals])}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in self.FIELDS:
            setattr(self, name, arrays[name])
        self.intervals = float(arrays["intervals"][0])
