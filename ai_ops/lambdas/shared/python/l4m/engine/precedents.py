"""Precedents: days on which a country strayed as far as it, or another one, did before, as on a holiday of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence import Evidence
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.root_cause.localize import Place
from l4m.engine.seasonality.holidays import is_country
from l4m.engine.seasonality.seasons import DAY
from l4m.engine.settings import Settings
from l4m.model import Aggregation

LONGEST = 365  # days that are remembered
ENOUGH = 3  # of them have to have been like today
ALIKE = 0.85  # of today's deviation, from which on a day was as far off
TOGETHER = 0.5  # of it, by which all other sums have to be off as well
MOST = np.log(3.0)  # a factor; what changes more is no holiday
COUNTRIES = 0.8  # share of a dimension's values that name countries
SMALLEST = 1e-3  # of what is usual; less counts as so much

Floats = NDArray[np.float32]


class Precedents:
    """Remembers, where an interval is a day, how far the values of every dimension strayed from the rest.

    A country has holidays that no calendar here knows: now and then one country is off for a day, in all measures and all its
    parts. Once that was seen on several days of the last year, in whichever country, the next one is no news. What lasts for a
    second day is, and what changes by more than a factor of three.

    Parameters
    ----------
    settings : Settings
        What the user chose; sums over days are looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._is_daily = settings.interval_seconds >= DAY
        self._sums = np.array([one.aggregation is Aggregation.SUM for one in settings.measures], np.bool_)
        dimensions, measures = len(settings.dimensions), len(settings.measures)
        self._past = np.zeros((0, 2, measures, dimensions), np.float32)  # by day, how far the furthest value went, down and up
        self._away = np.zeros((2, measures, 0), np.float32)  # yesterday's and today's log ratios of every node to the rest

    def observe(self, scene: HierarchyIndex, seen: Evidence) -> None:
        """Take one day into account; ``seen`` holds that interval only."""
        if not self._is_daily or not self._past.shape[3]:
            return
        away = np.where(scene.singles >= 0, _stray(seen.value[:, 0], seen.usual[:, 0], scene.depths == 0), np.float32(0))
        before = np.pad(self._away[1], ((0, 0), (0, away.shape[1] - self._away.shape[2])))
        self._away = np.stack([before, away])
        news, furthest = away * seen.anomalous[:, 0], np.zeros((1, *self._past.shape[1:]), np.float32)
        for dimension in range(self._past.shape[3]):
            values = news[:, scene.singles == dimension]
            furthest[0, :, :, dimension] = -values.min(axis=1, initial=0), values.max(axis=1, initial=0)
        self._past = np.concatenate([self._past, furthest])[-LONGEST - 1 :]

    def covers(self, scene: HierarchyIndex, measure: int, place: Place) -> bool:
        """Whether a place is a country that is off as countries were before, for the first day."""
        if not self._is_daily or len(place.dimensions) != 1 or not self._sums[measure]:
            return False
        (dimension,), node = place.dimensions, scene.find_node(place.dimensions, int(place.leaves[0]))
        if node is None or not _names_countries(tuple(scene.values[dimension])):
            return False
        yesterday, today = place.sign * self._away[:, :, node]
        size = today[measure]
        is_one_day = yesterday[measure] < ALIKE * size <= ALIKE * MOST and bool((today[self._sums] >= TOGETHER * size).all())
        alike = self._past[:-1, int(place.sign > 0), measure, dimension] >= ALIKE * size
        return bool(size > 0) and is_one_day and int(alike.sum()) >= ENOUGH

    def to_arrays(self) -> dict[str, Floats]:
        """Return everything that was learned, by name."""
        return {"past": self._past, "away": self._away}

    def restore(self, arrays: Mapping[str, Floats]) -> None:
        """Take up what ``to_arrays`` returned."""
        self._past, self._away = arrays["past"], arrays["away"]


def _stray(value: Floats, usual: Floats, is_total: NDArray[np.bool_]) -> Floats:
    """Return by which log ratio nodes are off, more than everything else is; 0 where nothing is known. Shape (measures, nodes)."""
    rest, usual_rest = value[:, is_total] - value, usual[:, is_total] - usual
    with np.errstate(all="ignore"):
        own, other = (np.log(np.maximum(now / then, SMALLEST)) for now, then in ((value, usual), (rest, usual_rest)))
    known = (usual > 0) & (usual_rest > 0) & np.isfinite(own) & np.isfinite(other)
    return np.where(known, own - other, np.float32(0))


@lru_cache(maxsize=64)
def _names_countries(values: tuple[str, ...]) -> bool:
    """Return whether the values of a dimension are countries."""
    return sum(is_country(value) for value in values) >= COUNTRIES * len(values)
