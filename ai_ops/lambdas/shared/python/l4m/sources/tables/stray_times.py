"""Times that lie far from all others, such as one row of 1970 among this year's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.sources.tables.intervals import DAY

YEAR = 365 * DAY
LONG_GAP = 2 * YEAR  # without a row, that data hardly have
LONGEST_GAP = 10 * YEAR  # that they never have
_PAUSE = 30 * DAY  # without a row, that parts what may be stray from the rest
_SPANS = 3  # times all that the data span otherwise: as long a gap is strange, however short
_FEW = 4
_FEWER = 20

Integers = NDArray[np.int64]


def find_bulk(places: Integers, seconds: int) -> tuple[int, int] | None:
    """The first and last of the intervals with rows that belong together; None when all do.

    ``places`` are the numbers of the intervals with rows, ascending.

    >>> find_bulk(np.array([0, *range(473_000, 473_720)]), 3600)
    (473000, 473719)
    >>> find_bulk(np.arange(0, 2_000, 30), DAY)  # once a month
    """
    breaks = np.flatnonzero(np.diff(places) * seconds > _PAUSE) + 1
    if not len(breaks):
        return None
    begins, ends = np.r_[0, breaks], np.r_[breaks, len(places)]
    counts = ends - begins
    bulk = int(np.argmax(counts))
    first, last = int(begins[bulk]), int(ends[bulk]) - 1
    for end in ends[:bulk][::-1].tolist():  # of the parts before, the nearest first
        if _is_stray(places, (first, last), end - 1, end, seconds):
            break
        first = int(begins[np.flatnonzero(ends == end)[0]])
    for begin in begins[bulk + 1 :].tolist():
        if _is_stray(places, (first, last), begin, len(places) - begin, seconds):
            break
        last = int(ends[np.flatnonzero(begins == begin)[0]]) - 1
    return None if (first, last) == (0, len(places) - 1) else (int(places[first]), int(places[last]))


def longest_gap(places: Integers, seconds: int) -> tuple[int, int]:
    """The begin of the longest gap, as the last place before it, and its length in seconds."""
    gaps = np.diff(places)
    longest = int(np.argmax(gaps)) if len(gaps) else 0
    return int(places[longest]), int(gaps[longest]) * seconds if len(gaps) else 0


def _is_stray(places: Integers, bulk: tuple[int, int], nearest: int, beyond: int, seconds: int) -> bool:
    """Whether the part whose nearest place is ``nearest`` is far from the bulk and, with all ``beyond`` it, small."""
    first, last = (int(places[one]) for one in bulk)
    gap = max(first - int(places[nearest]), int(places[nearest]) - last)
    is_long = gap * seconds > LONG_GAP
    is_strange = gap > _SPANS * (last - first + 1)
    size = bulk[1] - bulk[0] + 1
    return (is_long and beyond * _FEW < size) or (is_strange and beyond * _FEWER < size)
