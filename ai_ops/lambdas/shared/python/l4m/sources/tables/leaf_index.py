"""The leaf series of a table: found by the hash of their dimension values, named where they first turn up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.sources.tables.arrow import Batch
from l4m.sources.tables.scan_plan import Scan
from l4m.sources.tables.scan_sql import FILE, LEAF, MEASURES, has_row_numbers, leaf_query
from l4m.sources.tables.table_spec import TableSpec

Hashes = NDArray[np.uint64]

_FREE = np.uint64(0)
_SLOTS_PER_LEAF = 4


class LeafIndex:
    """Numbers and names of the leaves, in the order in which they turn up."""

    def __init__(self, spec: TableSpec) -> None:
        self.names: list[tuple[str, ...]] = []
        self._dimensions = spec.dimensions
        self._origin = MEASURES + len(spec.measures)
        self._index = HashTable()
        self._places: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []  # files and rows of those without a name

    def __len__(self) -> int:
        return len(self._index)

    @property
    def hashes(self) -> Hashes:
        """Hash of each leaf, by its number; what a shard is told by."""
        return self._index.hashes

    def begin(self, scan: Scan) -> None:
        """Start with the rows of a scan."""
        self._scan = scan

    def number(self, batch: Batch, rows: NDArray[np.intp] | slice) -> NDArray[np.int32]:
        """The leaf of each of some rows."""
        found, fresh = self._index.number(batch.numbers(LEAF, np.uint64)[rows])
        if len(fresh):
            fresh = np.arange(batch.length)[rows][fresh]
            if not self._dimensions:
                self.names.append(())
            elif has_row_numbers(self._scan):
                self._places.append((batch.numbers(FILE, np.int32)[fresh], batch.numbers(self._origin, np.int64)[fresh]))
            else:
                texts = [batch.texts(self._origin + number, fresh) for number in range(len(self._dimensions))]
                self.names.extend(zip(*texts, strict=True))
        return found

    def finish(self, connection: Any) -> None:
        """Read the names that are missing, while the files are there."""
        if self._places:
            files, rows = (np.concatenate(one) for one in zip(*self._places, strict=True))
            connection.register("places", {"file": files, "row": rows, "position": np.arange(len(rows))})
            self.names += connection.execute(leaf_query(self._scan, self._dimensions, "places")).fetchall()
            connection.unregister("places")
            self._places = []


class HashTable:
    """A hash table from 64-bit hashes to leaf numbers, looked up a batch at a time (open addressing, linear probing).

    The table holds numbers only, so that it stays in the processor's cache; whose number it is, the list of hashes says.
    """

    def __init__(self) -> None:
        self._hashes = np.array([_FREE])  # of each leaf, and at the end what -1 finds
        self._resize(1 << 12)

    def __len__(self) -> int:
        return len(self._hashes) - 1

    @property
    def hashes(self) -> Hashes:
        """The hash of each leaf."""
        return self._hashes[:-1]

    def number(self, hashes: Hashes) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """The leaf of each row, and the rows that brought a new one, in the order of their numbers."""
        found = self._find(hashes)
        missing = np.flatnonzero(found < 0)
        if not len(missing):
            return found, missing
        _, first = np.unique(hashes[missing], return_index=True)
        rows = missing[np.sort(first)]
        self._add(hashes[rows])
        return self._find(hashes), rows

    def _find(self, hashes: Hashes) -> NDArray[np.int32]:
        position = (hashes >> self._shift).view(np.int64)
        found = self._numbers[position]
        wrong = np.flatnonzero(self._hashes[found] != hashes)
        while len(wrong):
            wrong = wrong[found[wrong] >= 0]
            position[wrong] = (position[wrong] + 1) & self._mask
            found[wrong] = self._numbers[position[wrong]]
            wrong = wrong[self._hashes[found[wrong]] != hashes[wrong]]
        return found

    def _add(self, hashes: Hashes) -> None:
        before = len(self)
        self._hashes = np.concatenate([self._hashes[:-1], hashes, [_FREE]])
        if len(self) * _SLOTS_PER_LEAF > len(self._numbers):
            self._resize(1 << (len(self) * 2 * _SLOTS_PER_LEAF).bit_length())
        else:
            self._place(before)

    def _resize(self, size: int) -> None:
        self._numbers = np.full(size, -1, np.int32)
        self._shift = np.uint64(64 - (size.bit_length() - 1))
        self._mask = size - 1
        self._place(0)

    def _place(self, first: int) -> None:
        """Enter the leaves from a number on."""
        for number, position in enumerate((self._hashes[first:-1] >> self._shift).tolist(), first):
            while self._numbers[position] >= 0:
                position = (position + 1) & self._mask  # noqa: PLW2901 - linear probing
            self._numbers[position] = number
