"""Following incidents through the intervals: opening, extending and closing them, and leaving out what users called normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence
from l4m.engine.grouping import group_series
from l4m.engine.incidents import (
    PATIENCE_SECONDS,
    OpenIncident,
    describe_incident,
    extend_incident,
    find_places,
    goes_on,
    open_incident,
)
from l4m.engine.results import Feedback, Group, Incident
from l4m.engine.rollups import Rollups
from l4m.engine.settings import Settings

MARGIN = 5.0  # a point may be this much more severe than the one called normal, and is still normal


class Tracker:
    """Turns evidence into groups and incidents; what is open is all it remembers."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._patience = max(1, PATIENCE_SECONDS // settings.interval_seconds)
        self.open: list[OpenIncident] = []
        self._groups: list[Group] = []
        self._incidents: dict[str, Incident] = {}
        self._changed = False

    def begin(self, cube: Rollups, feedback: Sequence[Feedback]) -> None:
        """Get ready for a block."""
        self._nodes, self._leaves, self._leaf_nodes = cube.nodes, cube.leaves, np.array(cube.leaf_nodes, np.int64)
        self._codes = _number_values(cube.leaves, len(self._settings.dimensions))
        self._normal = [(self._settings_measure(one), _below(cube.nodes, self._settings, one), one) for one in feedback]
        self._groups, self._incidents, self._changed = [], {}, False

    def _settings_measure(self, feedback: Feedback) -> int:
        names = [measure.name for measure in self._settings.measures]
        return names.index(feedback.measure) if feedback.measure in names else -1

    def listen(self, seen: Evidence) -> Evidence:
        """Return the evidence without the points that feedback calls normal.

        A point is normal when its series is the one named or a part of it, it deviates in the same direction, and its
        severity is at most ``MARGIN`` above that of the point the user judged.
        """
        for measure, nodes, one in self._normal:
            if measure < 0 or not nodes.any():
                continue
            side = seen.sigmas[measure] > 0 if one.direction == "up" else seen.sigmas[measure] < 0
            normal = side & (seen.severity[measure] <= one.severity + MARGIN) & nodes
            seen.strong[measure] &= ~normal
            seen.anomalous[measure] &= ~normal
        return seen

    def follow(self, seen: Evidence, start: int) -> None:
        """Take the incidents through consecutive intervals, the first of which begins at ``start``."""
        strong = seen.strong.any(axis=(0, 2))
        for at in range(len(strong)):
            if strong[at] or self.open:
                self._step(seen, at, start + at * self._settings.interval_seconds, bool(strong[at]))

    def _step(self, seen: Evidence, at: int, start: int, strong: bool) -> None:
        """Take one interval into account."""
        if strong and not self.open:
            self._open(seen, at, start)
        elif strong:
            extend_incident(self.open[0], self._leaf_nodes, seen, at, start)
            self._changed = True
        if not self.open:
            return
        if not strong and goes_on(self.open[0], seen, at):
            self.open[0].end = start
        self._group(seen, at, start)
        if start - self.open[0].end > self._patience * self._settings.interval_seconds:
            self._close()

    def _open(self, seen: Evidence, at: int, start: int) -> None:
        """Open an incident, unless the place where it lives is one that feedback calls normal."""
        incident = open_incident(self._settings, self._nodes, len(self._leaves), seen, at, start)
        extend_incident(incident, self._leaf_nodes, seen, at, start)
        if self._normal and self._is_normal(incident):
            return
        self.open, self._changed = [incident], True

    def _is_normal(self, incident: OpenIncident) -> bool:
        measure, places = find_places(incident, self._codes)
        for named, nodes, one in self._normal:
            same_side = incident.sign == (1 if one.direction == "up" else -1)
            inside = bool(places) and bool(nodes[self._leaf_nodes[places[0].leaves]].all())
            if named == measure and same_side and inside and incident.severity <= one.severity + MARGIN:
                return True
        return False

    def _group(self, seen: Evidence, at: int, start: int) -> None:
        """Report the anomalous series of an interval while an incident is open."""
        for measure in range(len(self._settings.measures)):
            group = group_series(self._settings, self._nodes, seen, at, measure, start, self.open[0].id)
            if group is not None:
                self._groups.append(group)

    def _describe(self, is_open: bool) -> None:
        incident = describe_incident(self.open[0], self._settings, self._leaves, self._codes, is_open)
        self._incidents[incident.id] = incident

    def _close(self) -> None:
        self._describe(is_open=False)
        self.open = []

    def finish(self) -> tuple[tuple[Group, ...], tuple[Incident, ...]]:
        """Return the groups of the block, and the incidents it opened, changed or closed."""
        if self.open and self._changed:
            self._describe(is_open=True)
        return tuple(self._groups), tuple(self._incidents.values())

    def to_document(self) -> dict[str, Any]:
        """Return the open incidents without their arrays."""
        return {"open": [incident.to_document() for incident in self.open]}

    def restore(self, document: Mapping[str, Any], sums: Sequence[Sequence[NDArray[np.float64]]]) -> None:
        """Take up the incidents that ``to_document`` described."""
        self.open = [OpenIncident.from_document(one, arrays) for one, arrays in zip(document["open"], sums, strict=True)]


def _number_values(leaves: Sequence[tuple[str, ...]], dimensions: int) -> NDArray[np.int64]:
    """Return each leaf's dimension values as numbers, shape (leaves, dimensions)."""
    codes = np.zeros((len(leaves), dimensions), np.int64)
    for d in range(dimensions):
        numbers: dict[str, int] = {}
        codes[:, d] = [numbers.setdefault(leaf[d], len(numbers)) for leaf in leaves]
    return codes


def _below(nodes: Sequence[tuple[str, ...]], settings: Settings, feedback: Feedback) -> NDArray[np.bool_]:
    """Return which nodes are the series that feedback names, or a part of it."""
    wanted = [(settings.dimensions.index(name), value) for name, value in feedback.dimensions.items() if name in settings.dimensions]
    return np.array([all(node[d] == value for d, value in wanted) for node in nodes], bool)
