"""Presence: whether a series used to report at this hour of the week, so that closed hours are expected to be closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]

REGULAR = 0.9  # share of intervals in which a series has to have reported for its silence to mean anything
MEMORY = 8.0  # visits of an hour of the week that are remembered
LEAST_CHANCE = 1e-4  # of one silent interval
LONGEST = 2_000.0  # intervals of the share of all hours
FULL = 250.0  # in 255ths: always


class Presence:
    """Share of intervals in which every series reported, by hour of the week (by weekday where an interval is a day).

    Shares are kept as bytes; an hour that was not visited yet has the share of all hours. The first interval of a series is its
    birth: what was before is not absence.
    """

    BY_NODE = ("shares", "all", "seen", "hour", "visits")  # arrays of ``to_arrays`` whose last axis but one are the nodes

    def __init__(self, rows: int, measures: int) -> None:
        self._measures = measures
        self.shares = np.zeros((rows, 0, measures), np.uint8)  # 0: not visited, else 1 to 255
        self.all, self.seen = np.zeros((0, measures), np.float32), np.zeros((0, measures), np.float32)
        self._hour, self._visits, self._row = np.zeros((0, measures), np.float32), np.zeros((0, measures), np.float32), -1
        self._is_full = False  # all series have begun, and never were absent

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.all)
        if more > 0:
            self.shares = np.concatenate([self.shares, np.zeros((len(self.shares), more, self._measures), np.uint8)], axis=1)
            blank = np.zeros((more, self._measures), np.float32)
            parts = (self.all, self.seen, self._hour, self._visits)
            self.all, self.seen, self._hour, self._visits = (np.concatenate([one, blank]) for one in parts)
            self._is_full = False

    def share(self, row: int, nodes: Any = slice(None)) -> Array:
        """Return how often some nodes reported at an hour of the week."""
        known, every = self.shares[row][nodes], self.all[nodes]
        share = known.astype(np.float32) / np.float32(FULL)
        return np.asarray(np.where(known == 0, every, np.minimum(np.float32(0.8) * share + np.float32(0.2) * every, 1)))

    def chance(self, share: Array, nodes: Any = slice(None)) -> Array:
        """Return the chance of one silent interval of some nodes."""
        return np.asarray(np.maximum(np.maximum(1 - share, 1 / (self.seen[nodes] + 2)), LEAST_CHANCE))

    def learn(self, row: int, here: Bools, counts: bool | Bools) -> None:
        """Learn an interval; ``counts`` says for which series it does."""
        if row != self._row:
            self._end_hour()
            self._row = row
        if counts is True and bool(here.all()):
            self._learn_full()
            return
        self._is_full = False
        here = here & counts
        weight = ((self.seen > 0) | here) & counts
        self.seen += weight
        self.all += weight * (here - self.all) / np.minimum(np.maximum(self.seen, 1), np.float32(LONGEST))
        self._hour += here
        self._visits += weight

    def _learn_full(self) -> None:
        """Learn an interval in which all series reported."""
        self.seen += 1
        self._hour += 1
        self._visits += 1
        if not self._is_full:
            self.all += (1 - self.all) / np.minimum(self.seen, np.float32(LONGEST))
            self._is_full = bool((self.all == 1).all())

    def _end_hour(self) -> None:
        if self._row < 0:
            return
        shares = self.shares[self._row]
        now = np.float32(FULL) * self._hour / np.maximum(self._visits, 1)
        old = shares.astype(np.float32)
        new = np.where(shares == 0, now, old + (now - old) / np.float32(MEMORY / 2))
        begun = (self._visits > 0) & (self.seen > self._visits)
        shares[begun] = np.clip(np.rint(new[begun]), 1, 255).astype(np.uint8)
        self._hour[:], self._visits[:] = 0, 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        return {
            "shares": self.shares,
            "all": self.all,
            "seen": self.seen,
            "hour": self._hour,
            "visits": self._visits,
            "now": np.array([self._row]),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.shares, self.all, self.seen, self._hour, self._visits = (arrays[name] for name in self.BY_NODE)
        self._row, self._is_full = int(arrays["now"][0]), False
