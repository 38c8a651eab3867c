"""The values of every series over time: a tail that grows with each run, and full pages that stay as they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAGE_INTERVALS = 168

Nodes = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class History:
    """Consecutive intervals of all measures.

    Attributes
    ----------
    starts : int64 array, shape (intervals,)
        Epoch seconds of each interval's begin.
    nodes : tuples of str
        The series: dimension values, ``*`` where one is rolled up.
    values : float32 array, shape (measures, intervals, nodes)
        NaN where nothing was reported.
    """

    starts: NDArray[np.int64]
    nodes: Nodes
    values: NDArray[np.float32]

    @classmethod
    def empty(cls, measures: int) -> History:
        """A history with nothing in it."""
        return cls(np.empty(0, np.int64), (), np.empty((measures, 0, 0), np.float32))

    def extend(self, starts: Sequence[int], nodes: Nodes, values: NDArray[np.float32]) -> History:
        """This history with later intervals at its end; series that are new there were not reported before."""
        known = {node: position for position, node in enumerate(self.nodes)}
        union = self.nodes if nodes == self.nodes else (*self.nodes, *(node for node in nodes if node not in known))
        older = self._over(union)
        newer = History(np.asarray(starts, np.int64), nodes, values)._over(union)
        return History(np.concatenate((self.starts, newer.starts)), union, np.concatenate((older.values, newer.values), axis=1))

    def split(self, interval_seconds: int) -> list[tuple[int, History]]:
        """Its pages by number, oldest first; the last may still grow."""
        numbers = self.starts // (PAGE_INTERVALS * interval_seconds)
        return [(int(number), self._where(numbers == number)) for number in np.unique(numbers)]

    def until(self, end: int) -> History:
        """The part before ``end``."""
        return self._where(self.starts < end)

    def last(self, count: int) -> History:
        """The last ``count`` intervals."""
        return History(self.starts[-count:], self.nodes, self.values[:, -count:])

    def series(self, measure: int, nodes: Sequence[tuple[str, ...]]) -> NDArray[np.float32]:
        """Values of some series, shape (series, intervals); NaN for one that is unknown."""
        position = {node: number for number, node in enumerate(self.nodes)}
        columns = np.array([position.get(node, -1) for node in nodes], np.int64)
        found = np.full((len(nodes), self.starts.size), np.nan, np.float32)
        found[columns >= 0] = self.values[measure][:, columns[columns >= 0]].T
        return found

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Plain arrays, to be stored."""
        nodes = np.frombuffer(json.dumps(self.nodes, separators=(",", ":")).encode(), np.uint8)
        return {"starts": self.starts, "nodes": nodes, "values": self.values}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]]) -> History:
        """The history that was stored."""
        nodes = tuple(tuple(node) for node in json.loads(arrays["nodes"].tobytes()))
        return cls(arrays["starts"].astype(np.int64), nodes, arrays["values"].astype(np.float32, copy=False))

    def _over(self, union: Nodes) -> History:
        if union == self.nodes:
            return self
        spread = History(self.starts, union, np.full((self.values.shape[0], self.starts.size, len(union)), np.nan, np.float32))
        position = {node: number for number, node in enumerate(union)}
        spread.values[:, :, [position[node] for node in self.nodes]] = self.values
        return spread

    def _where(self, chosen: NDArray[np.bool_]) -> History:
        return History(self.starts[chosen], self.nodes, self.values[:, chosen])
