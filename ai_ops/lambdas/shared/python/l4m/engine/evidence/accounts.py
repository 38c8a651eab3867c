"""Accounts: the values of one interval in a form in which every node is the sum of its leaves, whatever the measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.engine.hierarchy.index import HierarchyIndex

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Kinds:
    """What is known of every measure; bool arrays of shape (measures,).

    Attributes
    ----------
    is_sum : values are added up
    is_weighted : values are ratios with known denominators
    is_positive : no value was ever negative
    is_count : values are whole numbers
    """

    is_sum: Bools
    is_weighted: Bools
    is_positive: Bools
    is_count: Bools

    @property
    def is_additive(self) -> Bools:
        """Whether a measure is made of parts that cannot be negative: sums, and the numerators of ratios."""
        return (self.is_sum | self.is_weighted) & self.is_positive


@dataclass(frozen=True)
class Accounts:
    """One interval of all leaves and nodes.

    A sum is its own account. A ratio's is its numerator, and what is due of it is the expected ratio times the denominator that
    came: so a change of traffic alone explains nothing, and small denominators say little. An average's is its value times the
    number of leaves that reported.

    Attributes
    ----------
    values : float32 array, shape (nodes, measures)
        Values as the detector scores them; NaN where nothing came.
    weights : float32 array, shape (nodes, measures)
        By which a value or an expectation is multiplied to be added up.
    reported : bool array, shape (nodes, measures)
        Whether a row came for any leaf.
    """

    values: Array
    weights: Array
    reported: Bools

    @classmethod
    def of(cls, index: HierarchyIndex, kinds: Kinds, leaves: Array, weights: Array | None, filled: Bools) -> Accounts:
        """Return the accounts of leaves.

        Parameters
        ----------
        leaves : float32 array, shape (leaves, measures), NaN where no row came
        weights : denominators of ratios, of the same shape, or None
        filled : bool array of the same shape: absences that count as zero
        """
        came = ~np.isnan(leaves)
        if weights is None and bool(came.all()):
            return cls._complete(index, kinds, leaves)
        here = came | filled
        weight = np.ones_like(leaves) if weights is None else np.where(kinds.is_weighted, np.nan_to_num(weights), np.float32(1))
        weight *= here | kinds.is_sum
        values = np.where(came, leaves, np.float32(0))
        measures = leaves.shape[1]
        sums = index.add_up(np.concatenate([values * weight, here, weight, came], axis=1).astype(np.float32))
        total, present, weighed, arrived = (sums[:, first : first + measures] for first in range(0, 4 * measures, measures))
        nodes = np.where(kinds.is_sum, total, total / np.maximum(weighed, np.float32(1e-12)))
        nodes[present == 0] = np.nan
        nodes[index.leaf_nodes] = np.where(filled, np.float32(0), leaves)
        return cls(nodes, np.where(kinds.is_sum, np.float32(1), weighed), arrived > 0)

    @classmethod
    def _complete(cls, index: HierarchyIndex, kinds: Kinds, leaves: Array) -> Accounts:
        """Return the accounts of leaves all of which came."""
        nodes = index.add_up(leaves)
        sizes = index.sizes.astype(np.float32)[:, np.newaxis]
        if not kinds.is_sum.all():
            nodes = np.where(kinds.is_sum, nodes, nodes / sizes)
        weights = np.where(kinds.is_sum, np.float32(1), sizes)
        return cls(nodes, weights, np.ones(nodes.shape, np.bool_))

    def value(self, kinds: Kinds) -> Array:
        """Return the accounts of all nodes; 0 where nothing came."""
        return np.asarray(np.nan_to_num(self.values, posinf=np.nan, neginf=np.nan) * self.weights, np.float32)

    def due(self, index: HierarchyIndex, kinds: Kinds, expected: Array) -> Array:
        """Return the accounts of expectations, shape (nodes, measures).

        What is due of an average of many leaves is the sum of what is due of those that reported: its own past knows another mix.
        """
        due = expected * self.weights
        plain = ~(kinds.is_sum | kinds.is_weighted)
        if plain.any():
            leaves = np.nan_to_num(due[index.leaf_nodes][:, plain])
            due[:, plain] = index.add_up(np.asarray(leaves, np.float32))
        return np.asarray(due, np.float32)
