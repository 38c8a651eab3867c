"""What incidents do to what is expected: leaves teach nothing, rollups learn what would have come, levels become the rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.detector import Detector
from l4m.engine.detection.masking import LearningMask
from l4m.engine.evidence.accounts import Kinds
from l4m.engine.evidence.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents.tracker import Change

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def mask_learning(index: HierarchyIndex, kinds: Kinds, masked: Bools, *, young: Bools, gone: Array, weights: Array) -> LearningMask:
    """Return what an interval is not to teach.

    Parameters
    ----------
    masked : bool array, shape (leaves, measures): an incident is open there
    young : bool array, shape (leaves,): new leaves, which go on learning
    gone : float32 array, shape (leaves, measures): accounts less what was due, of masked leaves
    weights : float32 array, shape (nodes, measures): by which accounts are divided to be values
    """
    measures = masked.shape[1]
    leaves, which = np.nonzero(masked & ~young[:, np.newaxis])
    total = index.add_up(np.where(masked, gone, np.float32(0)).astype(np.float32))
    total[index.leaf_nodes] = 0
    node, m = np.nonzero(total)
    change = -total[node, m] / np.where(kinds.is_sum[m], 1, np.maximum(weights[node, m], 1e-9))
    return LearningMask(index.leaf_nodes[leaves] * measures + which, node * measures + m, change.astype(np.float32))


def apply(
    index: HierarchyIndex, kinds: Kinds, change: Change, *, detector: Detector, evidence: Evidence, places: Ints, young: Bools
) -> None:
    """Let a change of level be the rule: leaves' expectations are multiplied, and rollups get what that adds.

    ``places`` are the places of nodes among those that evidence tracks, -1 for others. A new leaf has learned its own
    level already; rollups are given the whole of it.
    """
    measures = len(index.settings.measures)
    leaves = np.flatnonzero(change.leaves)
    for m, told in change.factors.items():
        factor = told if np.isfinite(told) else 1.0
        gains = np.where(young, 1.0, factor - 1.0).astype(np.float32)
        for members in index.members:
            held = members[leaves]
            for node in np.unique(held[held >= 0]).tolist():
                inside = leaves[held == node]
                share = np.float32(1.0 if kinds.is_sum[m] else 1.0 / max(1, int(index.sizes[node])))
                if node not in index.leaf_nodes:
                    detector.add_season(node * measures + m, index.leaf_nodes[inside] * measures + m, gains[inside] * share)
                    sources = places[index.leaf_nodes[inside]]
                    if places[node] >= 0:
                        near = sources >= 0
                        evidence.week.add(int(places[node]), sources[near], m, (gains[inside] * share)[near])
        old = index.leaf_nodes[leaves[~young[leaves]]]
        if len(old):
            detector.rescale(old * measures + m, np.full(len(old), factor, np.float32))
            tracked = places[old]
            evidence.week.rescale(tracked[tracked >= 0], m, factor)
        if change.forgets_shape:
            detector.forget(old * measures + m)
            evidence.week.forget(places[old][places[old] >= 0], m)
