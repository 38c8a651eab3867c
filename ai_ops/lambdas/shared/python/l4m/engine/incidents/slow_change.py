"""Slow changes as incidents: where they live, since when, and that they are told once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from l4m.engine.drift.drift import LEAST, SlowChange
from l4m.engine.evidence.accounts import Kinds
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.incidents.incident import OpenIncident
from l4m.engine.incidents.places import find_places, nodes_of
from l4m.engine.incidents.tracker import Interval, Slow, Tracker
from l4m.engine.judge import Judge
from l4m.engine.seasonality.seasons import Seasons

MOST_FACTOR = 1e6  # a change beyond is none of a level

Bools = NDArray[np.bool_]


def find_slow(index: HierarchyIndex, kinds: Kinds, judge: Judge, tracker: Tracker, now: Interval) -> Iterator[OpenIncident]:
    """Yield what has moved slowly until the day that ends with an interval, each place once."""
    taken = np.zeros(len(judge.tracked), np.bool_)
    sizes = index.sizes[judge.tracked]
    for found in judge.drift.look(index.settings.sensitivity, index.depths[judge.tracked]):
        if taken[found.place] or not kinds.is_additive[found.measure]:
            continue
        leaves, slow = _locate(index, judge, found)
        held = index.add_up(leaves.astype(np.float32)[:, np.newaxis])[judge.tracked, 0]
        taken |= held > 0
        judge.drift.note(np.flatnonzero(held == sizes), found.side)
        one = tracker.tell_slow(found.measure, found.side, leaves, start=_start(index, found, now.at), now=now, sums=slow)
        if one is not None:
            rescale_days(index, judge, leaves, found.measure, float(slow.actual[leaves].sum() / max(slow.due[leaves].sum(), 1e-9)))
            yield one


def _start(index: HierarchyIndex, found: SlowChange, at: int) -> int:
    """Return the interval in which a change began: the middle of its first day, since no hour shows it."""
    seasons = Seasons.of(index.settings)
    if seasons.is_daily:
        return max(0, at - found.days)
    return max(0, at - (2 * found.days + 1) * seasons.per_day // 2)


def _locate(index: HierarchyIndex, judge: Judge, found: SlowChange) -> tuple[Bools, Slow]:
    """Return the leaves that explain most of a change, and the week of all leaves beside the week that was due."""
    near = judge.places[index.leaf_nodes]
    seen = np.flatnonzero(near >= 0)
    leaves = np.zeros(len(index.leaves), np.bool_)
    leaves[index.cover(judge.tracked[[found.place]])] = True
    actual, due, variance = (np.zeros(len(leaves)) for _ in range(3))
    actual[seen], due[seen] = judge.drift.recent(near[seen], found.measure)
    due *= np.exp(found.trend)
    variance[seen] = np.square(found.error * due[seen]) + judge.evidence.noise.grain[near[seen], found.measure] * due[seen]
    for place in find_places(index, actual, due, variance):
        change = abs(float(actual[place.leaves].sum()) / max(float(due[place.leaves].sum()), 1e-9) - 1)
        if place.sign == found.side and leaves[place.leaves].any() and change >= LEAST:
            leaves = np.zeros(len(leaves), np.bool_)
            leaves[place.leaves] = True
            break
    return leaves, Slow(actual, due, variance, found.strength)


def rescale_days(index: HierarchyIndex, judge: Judge, leaves: Bools, measure: int, factor: float) -> None:
    """Let the days before be as if a change of some leaves had been there always, so that it is told once."""
    inside = np.flatnonzero(leaves)
    inside = inside[judge.places[index.leaf_nodes[inside]] >= 0]
    nodes = np.setdiff1d(nodes_of(index, leaves), index.leaf_nodes)
    row_of = {int(node): row for row, node in enumerate(nodes)}
    holds = np.zeros((len(nodes), len(inside)), np.float32)
    for members in index.members:
        for column, leaf in enumerate(inside.tolist()):
            row = row_of.get(int(members[leaf]))
            if row is not None:
                holds[row, column] = 1
    if 0 < factor < MOST_FACTOR:
        judge.drift.rescale(judge.places[index.leaf_nodes[inside]], measure, factor, judge.places[nodes], holds)
