"""Where an incident lives that is seen beside kin only."""

from __future__ import annotations

import numpy as np

from l4m.engine.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import ANY
from l4m.engine.root_cause.localize import Place


def find_odd(scene: HierarchyIndex, seen: Evidence, measure: int) -> list[Place]:
    """Return the node that deviates most beside its kin, and what its leaves were expected to be there; none if none is odd."""
    odd = np.flatnonzero(seen.odd[measure])
    if not len(odd):
        return []
    costs = {len(one.dimensions): one.cost for one in scene.cuboids}
    sigmas = seen.beside[measure, odd].astype(np.float64)
    scores = sigmas**2 / 2 - np.array([costs[depth] for depth in scene.depths[odd].tolist()])
    best = int(scores.argmax())
    node = int(odd[best])
    dimensions = tuple(d for d, value in enumerate(scene.nodes[node]) if value != ANY)
    leaves = scene.cover(odd[best : best + 1])
    expected = seen.expected[measure, scene.leaf_nodes[leaves]].astype(np.float64)
    whole = float(np.nansum(expected))
    factor = float(seen.kin[measure, node]) / whole if whole > 0 else 1.0
    return [Place(dimensions, leaves, float(scores[best]), 1 if sigmas[best] > 0 else -1, expected * factor)]
