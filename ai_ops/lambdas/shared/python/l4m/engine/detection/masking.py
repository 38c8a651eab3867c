"""Stage: what the incidents that are open let a point teach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Indices, Step


@dataclass(frozen=True)
class LearningMask:
    """Series that learn nothing from an interval, and series that learn another value than the one that came.

    The leaves of an open incident learn nothing; a rollup learns what would have come without it.
    """

    frozen: Indices
    changed: Indices
    change: Array

    def part(self, block: slice) -> LearningMask:
        """Return what concerns a block of series, numbered from its first."""
        frozen, changed = (one[(one >= block.start) & (one < block.stop)] - block.start for one in (self.frozen, self.changed))
        change = self.change[(self.changed >= block.start) & (self.changed < block.stop)]
        return LearningMask(frozen, changed, change)


def apply_mask(step: Step, state: DetectorState, mask: LearningMask) -> None:
    """Take out of ``errors`` and ``value`` what an incident explains, and out of ``present`` what is not to be learned."""
    if len(mask.frozen):
        present = np.ones_like(step.value) * step.present
        present[mask.frozen] = 0
        step.present = present
        step.is_complete = False
        state.event[1, mask.frozen] = np.minimum(state.event[1, mask.frozen], 1)
    if len(mask.changed):
        if np.shares_memory(step.value, step.values):
            step.value = step.value.copy()
        step.value[mask.changed] += mask.change
        step.workspace.errors[:, mask.changed] += mask.change
        state.event[:, mask.changed] = 0
