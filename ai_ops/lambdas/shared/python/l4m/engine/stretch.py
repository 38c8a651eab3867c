"""Consecutive intervals that were scored, and all the evidence, weighed when somebody looks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.scores import Scores
from l4m.engine.evidence import Bools, Evidence, Floats, weigh
from l4m.engine.hierarchy.measure_traits import MeasureTraits
from l4m.engine.normality import Normality
from l4m.engine.settings import Settings


@dataclass(frozen=True)
class Stretch:
    """What ``weigh`` takes, and the feedback that silences some of what it finds."""

    values: Floats
    scores: Scores
    depths: NDArray[np.int64]
    turns: Bools
    facts: MeasureTraits
    settings: Settings
    normality: Normality

    @cached_property
    def evidence(self) -> Evidence:
        """All evidence, without what users called normal."""
        evidence = weigh(self.values, self.scores, depths=self.depths, turns=self.turns, facts=self.facts, settings=self.settings)
        self.normality.silence(evidence)
        return evidence
