"""The course of the week: what every hour of the week used to be against the level of the time, and which forecast to believe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.evidence.noise import TINY, Array

VISITS = 5.0  # of an hour of the week that are remembered
LEVEL_DAYS = 2.0  # half-life of the level
SPAN_DAYS = 28.0  # longest memory of the errors
TRIED_DAYS = 2.0  # for which a course has to have been tried before it is believed
YOUNG_WEEKS = 3.0  # until which the more lenient of both forecasts counts
CLOSED_VISITS, CLOSED = 2.0, 0.01  # visits of an hour with less than this share of the level, after which it is closed
WINSOR = 16.0  # mean squares that one error counts for at most

Bools = NDArray[np.bool_]


class WeekCourse:
    """A second forecast: level of the last days times the course of the week, which is learned within two or three weeks.

    The seasons of the detector add a day and a week to a level and learn weeks slowly, so that they serve every kind of series.
    Business has weeks that multiply: closed nights, half a Saturday, a Monday that is 15 % busier at every hour. Both forecasts
    compete by their running mean square errors, the eighth power deciding, as the detector's own forecasts do.

    Parameters
    ----------
    rows : int
        Parts of a week that are told apart.
    measures, per_day : int
    """

    def __init__(self, rows: int, measures: int, per_day: int) -> None:
        self._measures, self._per_week = measures, 7 * per_day
        self._gain = np.float32(1 - 0.5 ** (1 / (LEVEL_DAYS * per_day))) if per_day > 1 else np.float32(1 - 0.5 ** (1 / 7))
        self._span, self._tried = SPAN_DAYS * max(per_day, 2), TRIED_DAYS * per_day if per_day > 1 else 7.0
        self._per_row = max(1.0, self._per_week / rows)
        self.course = np.zeros((rows, 0, measures), np.float16)
        self.visits = np.zeros((rows, 0, measures), np.float16)
        self.level, self.points, self.tried = (np.zeros((0, measures), np.float32) for _ in range(3))
        self.errors = np.zeros((2, 0, measures), np.float32)  # of the season, of the course

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.level)
        for name in ("course", "visits", "errors"):
            array = getattr(self, name)
            blank = np.zeros((len(array), more, self._measures), array.dtype)
            setattr(self, name, np.concatenate([array, blank], axis=1))
        for name in ("level", "points", "tried"):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros((more, self._measures), np.float32)]))

    def expect(self, row: int, season: Array, is_positive: Bools) -> tuple[Array, Array]:
        """Return what is due, and the other forecast where it still has a say, else the same; arrays of shape (nodes, measures)."""
        visits = self.visits[row].astype(np.float32) / np.float32(self._per_row)
        own = self.level * self.course[row].astype(np.float32)
        is_known = (visits > 0.5) & is_positive & (self._per_week > 7)
        self._own, self._is_known, self._season = own, is_known, season
        season_error, own_error = self.errors + TINY
        ratio = np.square(np.square(season_error / (season_error + own_error)))
        other = np.square(np.square(own_error / (season_error + own_error)))
        weight = np.where(is_known & (self.tried >= self._tried), ratio / (ratio + other), np.float32(0))
        weight = np.where((weight > 0.5) & (visits >= CLOSED_VISITS) & (np.abs(own) < CLOSED * np.abs(self.level)), np.float32(1), weight)
        due = season + weight * (own - season)
        lenient = np.where(is_known & (visits < YOUNG_WEEKS), np.where(weight > 0.5, season, own), due)
        return due, np.where(is_positive, np.maximum(lenient, 0), lenient)

    def learn(self, row: int, clean: Array, known: Array, weight: Array) -> None:
        """Learn an interval.

        ``clean`` is what came without incidents: where one goes on, what was due, so that the level keeps its pace. ``known`` is 1
        where there is a value, ``weight`` 1 where it is also to be learned of the course and the errors.
        """
        tried = weight * self._is_known
        gain = tried / np.minimum(self.tried + 1, np.float32(self._span))
        for number, forecast in enumerate((self._season, self._own)):
            error = self.errors[number]
            square = np.square(clean - forecast)
            square = np.where(self.tried > 20, np.minimum(square, WINSOR * error + TINY), square)
            self.errors[number] += gain * (square - error)
        self.tried += tried
        share = np.clip(clean / np.maximum(self.level, TINY), -6e4, 6e4)
        visits = self.visits[row].astype(np.float32)
        is_settled = (weight > 0) & (self.level > 0) & (self.points >= self._per_week / 7)
        course = self.course[row].astype(np.float32)
        course += np.where(is_settled, (share - course) / np.minimum(visits + 1, np.float32(VISITS * self._per_row)), 0)
        self.course[row] = course
        self.visits[row] = np.minimum(visits + is_settled, np.float32(2 * VISITS * self._per_row))
        gain = known * np.maximum(self._gain, 1 / (self.points + 1) * (self.points < self._per_week / 7))
        self.level += gain * (clean - self.level)
        self.points += known

    def rescale(self, nodes: NDArray[np.int64], measure: int, factor: float) -> None:
        """Multiply the level of some nodes."""
        self.level[nodes, measure] *= factor

    def add(self, target: int, sources: NDArray[np.int64], measure: int, weights: Array) -> None:
        """Add to the level of a node those of others, each times a weight."""
        self.level[target, measure] += float(self.level[sources, measure] @ weights)

    def forget(self, nodes: NDArray[np.int64], measure: int) -> None:
        """Let the course of nodes be learned anew."""
        self.visits[:, nodes, measure] = np.minimum(self.visits[:, nodes, measure], 0)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        return {name: getattr(self, name) for name in ("course", "visits", "level", "points", "tried", "errors")}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in ("course", "visits", "level", "points", "tried", "errors"):
            setattr(self, name, arrays[name])
