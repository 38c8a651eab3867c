"""Tails: how far the nodes of a measure stray as a rule, so that only what is further is worth telling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence

BODY = 1.5  # standard errors, beyond which the tail begins
LIGHT = 0.25  # mean log of deviations over the body that is no heavier than noise
LARGEST = 2.0  # log that one deviation adds at most
STEP = 0.003  # by which the median follows, per interval, where intervals are judged one by one


class Tails:
    """Shrinks deviations of measures whose nodes stray far as a rule.

    One node has seen too few large deviations to know its own tail, all nodes of a measure together know theirs after some
    days. The typical interval counts, a median over time, so that incidents do not make themselves usual.

    Parameters
    ----------
    measures : int
        Number of measures.
    step : float
        By which the median follows, per interval.
    """

    def __init__(self, measures: int, step: float = STEP) -> None:
        self.tails, self._step = np.full(measures, LIGHT), step

    def shrink(self, seen: Evidence) -> None:
        """Shrink the deviations of consecutive intervals, each by what was known before it, and take back what is then too weak."""
        for measure, (sigmas, missing) in enumerate(zip(seen.sigmas, seen.missing, strict=True)):
            self.shrink_measure(measure, sigmas, ~missing)
        strong = np.nonzero(seen.strong)
        seen.strong[strong] = np.abs(seen.sigmas[strong]) >= seen.needed[strong]

    def shrink_measure(self, measure: int, sigmas: NDArray[np.float32], known: NDArray[np.bool_] | None = None) -> None:
        """Shrink the logs of what is beyond the body by how much heavier than noise the tail is; arrays of shape (intervals, nodes)."""
        is_far = np.abs(sigmas) > BODY
        far = np.nonzero(is_far if known is None else is_far & known)
        if not len(far[0]):
            return
        logs, sign = np.log(np.abs(sigmas[far]) / BODY), np.sign(sigmas[far])
        _, first, counts = np.unique(far[0], return_index=True, return_counts=True)
        means = np.add.reduceat(np.minimum(logs, LARGEST), first) / counts.astype(np.float32)
        tail = np.repeat(self._learn(measure, means.tolist()), counts)
        sigmas[far] = np.where(tail > LIGHT, sign * BODY * np.exp(logs * (LIGHT / tail)), sigmas[far])

    def _learn(self, measure: int, means: list[float]) -> list[float]:
        """Return the tail before each interval, and let it follow their mean logs."""
        before, tail = [], float(self.tails[measure])
        for mean in means:
            before.append(tail)
            tail += self._step * ((mean > tail) - (mean < tail))
        self.tails[measure] = tail
        return before
