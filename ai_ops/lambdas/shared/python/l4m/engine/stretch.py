"""Consecutive intervals that were scored: the strong signs among them, and all the evidence, weighed when somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Bools, Evidence, Floats, weigh
from l4m.engine.facts import Facts
from l4m.engine.normality import Normality
from l4m.engine.scores import Scores
from l4m.engine.settings import Settings

FEW = 0.1  # of the nodes; if more of them deviate, weighing them apart saves nothing


@dataclass(frozen=True)
class Stretch:
    """What ``weigh`` takes, and the feedback that silences some of what it finds."""

    values: Floats
    scores: Scores
    depths: NDArray[np.int64]
    turns: Bools
    facts: Facts
    settings: Settings
    normality: Normality

    @cached_property
    def evidence(self) -> Evidence:
        """All evidence, without what users called normal."""
        evidence = weigh(self.values, self.scores, depths=self.depths, turns=self.turns, facts=self.facts, settings=self.settings)
        self.normality.silence(evidence)
        return evidence

    @cached_property
    def is_strong(self) -> Bools:
        """Whether a sign of an interval may be strong enough to open an incident, shape (intervals,); only anomalies are weighed."""
        is_reported = (self.scores.is_anomaly | self.scores.missing).reshape(self.values.shape)
        nodes = np.flatnonzero(is_reported.any(axis=(0, 2)))
        if len(nodes) > FEW * len(self.depths):
            return np.asarray(self.evidence.strong.any(axis=(0, 2)))
        arrays = (array.reshape(self.values.shape)[:, nodes].reshape(len(array), -1) for array in vars(self.scores).values())
        few = weigh(
            self.values[:, nodes], Scores(*arrays), depths=self.depths[nodes], turns=self.turns, facts=self.facts, settings=self.settings
        )
        return np.asarray(few.strong.any(axis=(0, 2)))
