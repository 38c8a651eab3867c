"""Slow change: leaks, lasting steps and growth that stops, from how the sums of a week moved against those of four weeks before."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.evidence import gate_of

DAYS = 84  # that are remembered
WEEK, BACK = 7, 28  # days that are added up, and how much earlier those are that they are compared with
TREND_FROM, TREND_TO = 14, 42  # days before today, in which the usual change is looked for
FEWEST = 14  # changes from day to day before anything is said
LEAST = 0.05  # change that is told
FINEST = 1  # dimensions that a node keeps at most: a slow change of one leaf of many is told with its incident
MOST_TREND = 1.0  # log of a usual change, beyond which four weeks ago says nothing of today
MARGIN = 0.8  # of what opens an incident of an hour: there are seven looks a week, and they overlap
DEPTH_COST = 0.15  # by which a finer node has to have moved more: there are many of them
SHARED, MOST_DAYS = 0.4, 4  # of a change, that most days of the week have to show: what one day did is no slow change
TINY = 1e-9
PAUSE = 21  # days in which a place that was told is not told again to the same side
TO_SIGMA = (WEEK / 2) ** 0.5  # what a week's sum changes from day to day to the error of that sum

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SlowChange:
    """A node that has moved slowly: its place among the tracked, its measure, side, and strength in units of what is told.

    ``trend`` is by how much the node used to change over the weeks that are compared, a log; ``days`` how long ago it began to
    differ; ``error`` the standard error of the log.
    """

    place: int
    measure: int
    side: int
    strength: float
    trend: float
    days: int
    error: float


class Drift:
    """Remembers what came on every day, and compares.

    The statistic of a node is the log of its last seven days against the seven days four weeks before (same weekdays), less the
    median of that log over the weeks before, so that steady growth is no news and its end is. Days scatter independently, so its
    error follows from how far the sum of a week moves from one day to the next (winsorised root mean square: closed days move nothing).

    Parameters
    ----------
    measures : int
    """

    def __init__(self, measures: int) -> None:
        self.sums = np.zeros((0, 0, measures), np.float32)  # by day, what came; incidents are counted as what was due
        self.told = np.zeros((2, 0, measures), np.float32)  # days since a change to this side was told, counted down
        self._measures = measures

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - self.sums.shape[1]
        if more > 0:
            self.sums = np.pad(self.sums, ((0, 0), (0, more), (0, 0)))
            self.told = np.pad(self.told, ((0, 0), (0, more), (0, 0)))

    def end_day(self, sums: NDArray[np.float32]) -> None:
        """Add the sums of a day, shape (nodes, measures)."""
        self.sums = np.concatenate([self.sums, sums[np.newaxis]])[-DAYS:]
        self.told = np.maximum(self.told - 1, 0)

    def look(self, sensitivity: float, depths: Ints) -> list[SlowChange]:
        """Return what has moved slowly, the strongest first; ``depths`` is how many dimensions each node keeps."""
        if len(self.sums) < WEEK + BACK + FEWEST:
            return []
        weeks = np.cumsum(np.concatenate([np.zeros((1, *self.sums.shape[1:])), self.sums]), axis=0)
        weeks = weeks[WEEK:] - weeks[:-WEEK]  # ends on day WEEK-1, WEEK, ...
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # medians of what was never seen
            logs = np.log(weeks[BACK:] / weeks[:-BACK])
            moves = np.abs(np.diff(np.log(weeks), axis=0))[-BACK - TREND_FROM : -TREND_FROM]
            limit = 2 * np.nanquantile(moves, 0.75, axis=0)
            error = TO_SIGMA * np.sqrt(np.nanmean(np.square(np.minimum(moves, limit)), axis=0)) * 2**0.5
            usual = np.nanmedian(logs[-TREND_TO:-TREND_FROM], axis=0) if len(logs) > TREND_FROM else np.zeros(logs.shape[1:])
        change = logs[-1] - np.nan_to_num(usual)
        usual = np.nan_to_num(usual)
        is_known = np.isfinite(change) & np.isfinite(error) & (error > 0) & (weeks[-1 - BACK] > 0) & (np.abs(change) >= LEAST)
        is_known &= (np.abs(usual) < MOST_TREND) & (depths <= max(FINEST, int(depths.min(initial=0))))[:, np.newaxis]
        days = self.sums[-WEEK - BACK :].astype(np.float64)
        gone = np.log(np.maximum(days[-WEEK:], TINY) / np.maximum(days[:WEEK], TINY)) - usual
        is_known &= (gone * np.sign(change) >= SHARED * np.abs(change)).sum(axis=0) >= MOST_DAYS
        gate = MARGIN * gate_of(WEEK * change.size, sensitivity)
        strength = np.where(is_known, np.abs(np.where(is_known, change, 0)) / np.fmax(error, 0.005) / gate, 0)
        side = np.sign(change)
        strength /= 1 + DEPTH_COST * depths[:, np.newaxis]
        strength[(np.where(side > 0, self.told[0], self.told[1]) > 0)] = 0
        found = np.argwhere(strength >= 1)
        order = np.argsort(-strength[tuple(found.T)], kind="stable")
        return [
            SlowChange(
                place=int(p),
                measure=int(m),
                side=int(side[p, m]),
                strength=float(strength[p, m]),
                trend=float(usual[p, m]),
                days=self._onset(p, m, usual[p, m]),
                error=float(error[p, m]),
            )
            for p, m in found[order]
        ]

    def _onset(self, place: int, measure: int, usual: float) -> int:
        """Return how many days ago a node began to differ from its trend (Page 1954)."""
        days = np.maximum(self.sums[:, place, measure].astype(np.float64), 1e-9)
        gone = np.log(days[BACK:] / days[:-BACK])[-BACK:] - usual
        side = np.sign(gone[-WEEK:].mean())
        sums = np.cumsum((side * gone - 0.5 * max(float(np.mean(side * gone[-WEEK:])), 0.0))[::-1])
        return int(sums.argmax())

    def recent(self, places: Ints, measure: int) -> tuple[Array, Array]:
        """Return the last week of some nodes, and the week that it is compared with, carried on by the trend of all of them."""
        now = self.sums[-WEEK:, places, measure].sum(axis=0, dtype=np.float64)
        then = self.sums[-WEEK - BACK : -BACK, places, measure].sum(axis=0, dtype=np.float64)
        return now, then

    def rescale(self, places: Ints, measure: int, factor: float, parents: Ints, gains: NDArray[np.float32]) -> None:
        """Multiply the past of leaves, and give rollups, each of which holds some of them, what that adds.

        ``gains`` has the shape (parents, places): 1 where a parent holds a leaf.
        """
        added = self.sums[:, places, measure] * np.float32(factor - 1)
        self.sums[:, parents, measure] += added @ gains.T
        self.sums[:, places, measure] += added

    def note(self, places: Ints, side: int) -> None:
        """Note that a change of nodes was told."""
        self.told[0 if side > 0 else 1, places] = PAUSE

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        return {"sums": self.sums, "told": self.told}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.sums, self.told = arrays["sums"], arrays["told"]
