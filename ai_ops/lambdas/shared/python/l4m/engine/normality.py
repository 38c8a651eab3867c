"""What is normal: feedback of users, by the rule by which it acts on later points, and what has precedents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.precedents import Precedents
from l4m.engine.results import Feedback
from l4m.engine.root_cause.localize import Place

MARGIN = 5.0  # a point may be this much more severe than the one called normal, and is still normal


class Normality:
    """Says which points are like one that a user called no anomaly.

    A point is normal when its series is the one the user named or a part of it, it deviates in the same direction, and its
    severity is at most ``MARGIN`` above that of the user's point. An incident that lives in such a series is not opened.
    """

    def __init__(self, scene: HierarchyIndex, feedback: Sequence[Feedback], precedents: Precedents) -> None:
        names = [measure.name for measure in scene.settings.measures]
        self._scene, self._precedents = scene, precedents
        self._rules = [(names.index(one.measure), _is_below(scene, one), one) for one in feedback if one.measure in names]

    def silence(self, seen: Evidence) -> None:
        """Take normal points out of the evidence of consecutive intervals."""
        for measure, nodes, one in self._rules:
            sigmas = seen.sigmas[measure]
            side = sigmas > 0 if one.direction == "up" else sigmas < 0
            normal = side & (seen.severity[measure] <= one.severity + MARGIN) & nodes
            seen.strong[measure] &= ~normal
            seen.anomalous[measure] &= ~normal
            seen.odd[measure] &= ~normal

    def covers(self, seen: Evidence, measure: int, place: Place) -> bool:
        """Whether a place that moved in one interval is a normal series or a part of one, or has moved so before."""
        if self._precedents.covers(self._scene, measure, place):
            return True
        for named, nodes, one in self._rules:
            same_side = place.sign == (1 if one.direction == "up" else -1)
            if named == measure and same_side and nodes[self._scene.leaf_nodes[place.leaves]].all():
                node = self._scene.find_node(place.dimensions, int(place.leaves[0]))
                severity = float(np.nan_to_num(seen.severity[measure, node])) if node is not None else 0.0
                if severity <= one.severity + MARGIN:
                    return True
        return False


def _is_below(scene: HierarchyIndex, feedback: Feedback) -> NDArray[np.bool_]:
    """Return which nodes are the series that feedback names, or a part of it."""
    names = scene.settings.dimensions
    wanted = [(names.index(name), value) for name, value in feedback.dimensions.items() if name in names]
    return np.array([all(node[d] == value for d, value in wanted) for node in scene.nodes], bool)
