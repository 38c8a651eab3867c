"""Tails: how far the nodes of a measure stray as a rule, so that only what is further is worth telling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence

BODY = 1.5  # standard errors, beyond which the tail begins
LIGHT = 0.25  # mean log of deviations over the body that is no heavier than noise
LARGEST = 2.0  # log that one deviation adds at most
STEP = 0.003  # by which the median follows, per interval


class Tails:
    """Shrinks deviations of measures whose nodes stray far as a rule.

    One node has seen too few large deviations to know its own tail, all nodes of a measure together know theirs after some
    days. The typical interval counts, a median over time, so that incidents do not make themselves usual.

    Parameters
    ----------
    measures : int
        Number of measures.
    """

    def __init__(self, measures: int) -> None:
        self.tails = np.full(measures, LIGHT)

    def shrink(self, seen: Evidence) -> None:
        """Shrink the deviations of consecutive intervals, each by what was known before it, and take back what is then too weak."""
        for at in range(seen.sigmas.shape[1]):
            for measure, sigmas in enumerate(seen.sigmas[:, at]):
                self.shrink_row(measure, sigmas, ~seen.missing[measure, at])
        strong = np.nonzero(seen.strong)
        seen.strong[strong] = np.abs(seen.sigmas[strong]) >= seen.needed[strong]

    def shrink_row(self, measure: int, sigmas: NDArray[np.float32], known: NDArray[np.bool_] | None = None) -> None:
        """Shrink the logs of what is beyond the body by how much heavier than noise the tail is, and learn the tail."""
        is_far = np.abs(sigmas) > BODY
        far = np.flatnonzero(is_far if known is None else is_far & known)
        if not len(far):
            return
        logs, tail = np.log(np.abs(sigmas[far]) / BODY), self.tails[measure]
        if tail > LIGHT:
            sigmas[far] = np.sign(sigmas[far]) * BODY * np.exp(logs * (LIGHT / tail))
        self.tails[measure] += STEP * np.sign(np.minimum(logs, LARGEST).mean() - tail)
