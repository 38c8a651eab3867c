"""Whether the last interval had only begun when its data were written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RECENT = 500  # intervals that say what is usual
_FEW = 20  # of so few, what is usual is known only roughly
_USUAL = 0.99
_FEWEST = 2

Integers = NDArray[np.int64]


def is_begun(rests: Integers) -> bool:
    """Whether rows of the last of some intervals end much earlier than is usual.

    ``rests`` says of each interval with rows, in order, how many slots it still had after its last row.

    >>> is_begun(np.array([0, 0, 1, 0, 9])), is_begun(np.array([11, 11, 11, 11])), is_begun(np.array([4, 0, 7, 9]))
    (True, False, False)
    """
    usual = rests[:-1][-_RECENT:]
    if len(usual) < _FEWEST:
        return False
    if len(usual) < _FEW:
        return bool(rests[-1] > 2 * usual.max() - usual.min())
    return bool(rests[-1] > np.quantile(usual, _USUAL, method="higher"))
