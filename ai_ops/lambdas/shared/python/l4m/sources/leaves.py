"""The leaf series of a table, found by the hash of their dimension values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Leaf = tuple[str, ...]

_FREE = np.uint64(0)
_SLOTS_PER_LEAF = 4


class LeafIndex:
    """A hash table from 64-bit hashes to leaf numbers, looked up a batch at a time (open addressing, linear probing)."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self._hashes: list[int] = []
        self._known = np.zeros(0, np.uint64)
        self._last = -1
        self._resize(1 << 12)

    def number(self, hashes: Hashes, read: Callable[[NDArray[np.intp]], Sequence[Leaf]]) -> NDArray[np.int32]:
        """The leaf of each row; ``read`` is asked for the dimension values of the rows that bring a new one."""
        found = self._follow(hashes)
        missing = np.flatnonzero(found < 0)
        if len(missing):
            _, first = np.unique(hashes[missing], return_index=True)
            rows = missing[np.sort(first)]
            self._add(hashes[rows], read(rows))
            found = self._find(hashes)
        return found

    def _follow(self, hashes: Hashes) -> NDArray[np.int32]:
        """Guess that leaves come in the order of their first appearance, as in sorted tables; look up where they do not."""
        if not self._hashes:
            return self._find(hashes)
        guess = (np.arange(self._last + 1, self._last + 1 + len(hashes), dtype=np.int32)) % np.int32(len(self._hashes))
        wrong = np.flatnonzero(self._known[guess] != hashes)
        if len(wrong):
            guess[wrong] = self._find(hashes[wrong])
        self._last = int(guess[-1])
        return guess

    def _find(self, hashes: Hashes) -> NDArray[np.int32]:
        position = (hashes >> self._shift).astype(np.intp)
        key = self._keys[position]
        found = self._numbers[position]
        rest = np.flatnonzero(key != hashes)
        while len(rest):
            occupied = self._keys[position[rest]] != _FREE
            found[rest[~occupied]] = -1
            rest = rest[occupied]
            position[rest] = (position[rest] + 1) & self._mask
            found[rest] = self._numbers[position[rest]]
            rest = rest[self._keys[position[rest]] != hashes[rest]]
        return found

    def _add(self, hashes: Hashes, leaves: Sequence[Leaf]) -> None:
        self._hashes.extend(hashes.tolist())
        self._known = np.array(self._hashes, np.uint64)
        self.leaves.extend(leaves)
        if len(self.leaves) * _SLOTS_PER_LEAF > len(self._keys):
            self._resize(1 << (len(self.leaves) * 2 * _SLOTS_PER_LEAF).bit_length())
        else:
            for number in range(len(self.leaves) - len(leaves), len(self.leaves)):
                self._place(self._hashes[number], number)

    def _resize(self, size: int) -> None:
        self._keys = np.zeros(size, np.uint64)
        self._numbers = np.full(size, -1, np.int32)
        self._shift = np.uint64(64 - (size.bit_length() - 1))
        self._mask = size - 1
        for number, key in enumerate(self._hashes):
            self._place(key, number)

    def _place(self, key: int, number: int) -> None:
        position = key >> int(self._shift)
        while self._keys[position]:
            position = (position + 1) & self._mask
        self._keys[position], self._numbers[position] = key, number
