"""Measures that are one column over another, such as ``revenue/views``: what has to be read for them, and their values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from l4m.engine.block import Block
from l4m.model import Measure

OVER = "/"


def columns_of(measures: Sequence[Measure]) -> tuple[Measure, ...]:
    """The measures to read: for a ratio the sums of its two columns, for any other itself; each once."""
    return tuple(dict.fromkeys(part for measure in measures for part in _parts(measure)))


def derive(block: Block, measures: Sequence[Measure]) -> Block:
    """The block of the measures from the block of what was read for them.

    A ratio is that of the sums of its columns, in rollups as in series, so it weighs what it was divided by; NaN where nothing was
    to divide by.
    """
    read = columns_of(measures)
    if tuple(measures) == read:
        return block
    values = np.empty((len(measures), *block.values.shape[1:]), np.float32)
    weights = np.ones_like(values)
    for number, measure in enumerate(measures):
        over, *under = (block.values[read.index(part)] for part in _parts(measure))
        values[number] = over
        if under:
            values[number] = np.divide(over, under[0], out=np.full_like(over, np.nan), where=under[0] > 0)
            weights[number] = under[0]
    return Block(block.start, values, block.leaves, weights)


def _parts(measure: Measure) -> list[Measure]:
    names = measure.name.split(OVER)
    return [Measure(name.strip()) for name in names] if len(names) == 2 else [measure]
