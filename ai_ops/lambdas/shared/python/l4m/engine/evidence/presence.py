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
FULL = 250.0  # in 255ths: always


class Presence:
    """Share of intervals in which every series reported, by hour of the week (by weekday where an interval is a day).

    Shares are kept as bytes; an hour that was not visited yet has the share of all hours. The first interval of a series is its
    birth: what was before is not absence.
    """

    def __init__(self, rows: int, measures: int) -> None:
        self._measures = measures
        self.shares = np.zeros((rows, 0, measures), np.uint8)  # 0: not visited, else 1 to 255
        self.all, self.seen = np.zeros((0, measures), np.float32), np.zeros((0, measures), np.float32)
        self._hour, self._count, self._row = np.zeros((0, measures), np.float32), 0, -1

    def grow(self, nodes: int) -> None:
        """Make room for more nodes."""
        more = nodes - len(self.all)
        if more > 0:
            self.shares = np.concatenate([self.shares, np.zeros((len(self.shares), more, self._measures), np.uint8)], axis=1)
            blank = np.zeros((more, self._measures), np.float32)
            self.all, self.seen, self._hour = (np.concatenate([one, blank]) for one in (self.all, self.seen, self._hour))

    def share(self, row: int) -> Array:
        """Return how often every series reported at an hour of the week."""
        known = self.shares[row]
        share = known.astype(np.float32) / FULL
        return np.where(known == 0, self.all, np.minimum(0.8 * share + 0.2 * self.all, 1) if len(share) else share)

    def chance(self, share: Array) -> Array:
        """Return the chance of one silent interval."""
        return np.asarray(np.maximum(np.maximum(1 - share, 1 / (self.seen + 2)), LEAST_CHANCE))

    def learn(self, row: int, here: Bools, counts: bool | Bools) -> None:
        """Learn an interval; ``counts`` says for which series it does."""
        if row != self._row:
            self._end_hour()
            self._row = row
        here = here & counts
        begun = (self.seen > 0) | here
        weight = begun & counts
        self.seen += weight
        self.all += weight * (here - self.all) / np.minimum(np.maximum(self.seen, 1), 2000)
        self._hour += here
        self._count += 1

    def _end_hour(self) -> None:
        if self._row < 0 or not self._count:
            return
        shares = self.shares[self._row]
        now = FULL * self._hour / self._count
        old = shares.astype(np.float32)
        new = np.where(shares == 0, now, old + (now - old) / (MEMORY / 2))
        begun = self.seen > self._count
        shares[begun] = np.clip(np.rint(new[begun]), 1, 255).astype(np.uint8)
        self._hour[:], self._count = 0, 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        return {"shares": self.shares, "all": self.all, "seen": self.seen, "hour": self._hour, "now": np.array([self._count, self._row])}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        self.shares, self.all, self.seen, self._hour = (arrays[name] for name in ("shares", "all", "seen", "hour"))
        self._count, self._row = int(arrays["now"][0]), int(arrays["now"][1])
