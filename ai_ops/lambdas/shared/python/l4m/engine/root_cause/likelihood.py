"""How far each leaf is from its expectation, on one bounded scale, and how likely that is with and without a cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 100  # of the deviation, over [-1, 1]
HALF = BINS // 2
DISTANCES = (np.arange(HALF) + 0.5) / HALF  # from zero, of the bins of one side
WIDTHS = (0.015, 0.04, 0.09, 0.18)  # spread of the deviation inside one cause
CHANGES = np.linspace(0.04, 1.0, 33)  # the common deviations a cause is tried with, on both sides
OUTLIERS = 0.02  # share of a cause's leaves that may behave otherwise
FLOOR = float(np.exp(-17.0)) / BINS  # no bin is less likely than this: data are never that clean
GROUPS = 4
TAIL = 0.15  # leaves that noise may have put beyond the farthest one seen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Leaves:
    """Leaves of one interval: bin of the deviation, noise group, and the typical noise of each group."""

    bins: Ints
    groups: Ints
    noise: Floats  # per group; NaN where it has to be estimated

    @property
    def cells(self) -> Ints:
        """Index of each leaf in a table of groups x bins."""
        return self.groups * BINS + self.bins


def deviate(actual: Floats, expected: Floats) -> Floats:
    """Return (expected - actual) / the larger of both: in [-1, 1], .3 for a drop by 30 %, -.5 for a doubling.

    It grows with the symmetric deviation 2 (f - a) / (f + a) of Squeeze (Li et al., ISSRE 2019), but the error of a
    forecast that is wrong by a normal share of the larger value stays normal on it.
    """
    size = np.maximum(np.abs(actual), np.abs(expected))
    return np.clip(np.divide(expected - actual, size, out=np.zeros_like(size), where=size > 0), -1.0, 1.0)


def bin_leaves(actual: Floats, expected: Floats, scale: Floats | None) -> Leaves:
    """Bin the deviations, and group the leaves by noise where it is known, by size where it is not."""
    bins = np.clip(((deviate(actual, expected) + 1.0) * HALF).astype(np.int64), 0, BINS - 1)
    size = np.maximum(np.abs(actual), np.abs(expected))
    relative = -size if scale is None else scale / np.maximum(np.abs(expected), 1e-12)
    count = GROUPS if len(bins) >= 64 * GROUPS or scale is not None else 1
    cuts = np.quantile(relative, np.linspace(0, 1, count + 1)[1:-1])
    groups = np.add.reduce([relative > cut for cut in cuts], axis=0, dtype=np.int64) if count > 1 else np.zeros(len(bins), np.int64)
    noise = np.full(count, np.nan)
    if scale is not None:
        for group in np.unique(groups):
            noise[group] = np.clip(np.median(relative[groups == group]), 1e-3, 1.0)
    return Leaves(bins, groups, noise)


def quiet_density(leaves: Leaves, quiet: NDArray[np.bool_], two_sided: bool) -> Floats:
    """Return the density of the deviation without a cause, shape (groups, BINS), from the quieter side of each distance.

    Causes may sit on both sides, so each distance from zero is counted on the side where it is rarer; once the causes are
    set aside (``two_sided``), both sides are averaged. Beyond the farthest quiet leaf the density decays exponentially.
    """
    counts = np.bincount(leaves.cells[quiet], minlength=len(leaves.noise) * BINS).reshape(-1, 2, HALF).astype(np.float64)
    below, above = counts[:, 0, ::-1], counts[:, 1, :]
    halves = (below + above) / 2 if two_sided else np.minimum(_smooth(below), _smooth(above))
    density = np.empty((len(leaves.noise), BINS))
    for group, half in enumerate(halves):
        side = _shape_side(half, leaves.noise[group])
        density[group] = np.concatenate([side[::-1], side]) / (2 * side.sum())
    return np.maximum(density, FLOOR)


def _smooth(half: Floats) -> Floats:
    """Average each distance with its neighbours."""
    padded = np.concatenate([half[:, :1], half, half[:, -1:]], axis=1)
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def _shape_side(half: Floats, noise: float) -> Floats:
    """Blend the counts of one group with a prior of its noise, cut what lies beyond a gap, and let the tail decay."""
    if np.isnan(noise):
        noise = float(np.clip(np.sqrt((half * DISTANCES**2).sum() / max(half.sum(), 1e-9)), 0.01, 1.0))
    seen = np.concatenate([[0], 1 + np.flatnonzero(half[1:] > 0.2)])
    gaps = np.flatnonzero(np.diff(seen) > max(2.0, noise * HALF))
    farthest = seen[gaps[0] if len(gaps) else -1]
    half = np.where(np.arange(HALF) <= farthest, half, 0.0)
    beyond = np.maximum(DISTANCES - DISTANCES[farthest], 0.0)
    prior = np.exp(-DISTANCES / (0.8 * noise))
    smooth = np.convolve(np.concatenate([half[2:0:-1], half, half[-2:-4:-1]]), [0.1, 0.2, 0.4, 0.2, 0.1], "valid")
    return np.asarray(
        smooth + np.exp(-beyond / (0.01 + 0.25 * noise)) * TAIL + 2.0 * prior / prior.sum() * np.exp(-beyond / (0.01 + 0.25 * noise))
    )


def cause_densities(noise: Floats) -> Floats:
    """Return densities of the deviation under a common change, shape (hypotheses, groups, BINS): first drops, then rises."""
    edges = np.linspace(0.0, 1.0, HALF + 1)
    spread = np.nan_to_num(noise)[None, None, :] * (1.1 - CHANGES[:, None, None])
    width = np.sqrt(np.array(WIDTHS)[None, :, None] ** 2 + spread**2)
    below = _normal((edges - CHANGES[:, None, None, None]) / width[..., None])
    below[..., -1] = 1.0  # nothing falls below zero: the outermost bin holds what would
    mass = np.maximum(below[..., 1:] - below[..., :-1], 1e-12)
    mass = (mass / mass.sum(-1, keepdims=True)).reshape(-1, len(noise), HALF)
    drop = np.concatenate([np.zeros_like(mass), mass], -1)
    return np.concatenate([drop, drop[..., ::-1]])


def _normal(z: Floats) -> Floats:
    """Return the normal distribution function, to 2e-4 (Page 1977), which is finer than the bins."""
    z = np.clip(z, -6.0, 6.0)
    return np.asarray(1.0 / (1.0 + np.exp(-1.5976 * z - 0.07056 * z * z * z)))


def log_ratios(causes: Floats, density: Floats) -> NDArray[np.float32]:
    """Return log p(cause) / p(no cause) of every cell, shape (hypotheses, groups x BINS)."""
    ratio = np.log((1.0 - OUTLIERS) * causes / density[None] + OUTLIERS)
    return ratio.reshape(len(ratio), -1).astype(np.float32)
