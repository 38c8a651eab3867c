"""Where an incident lives, by the deviations of its leaves."""

import numpy as np
import pytest

from l4m.engine.hierarchy.cuboids import build_cuboids
from l4m.engine.root_cause.localize import Moves, locate

LEAVES = np.array([[airport, carrier] for airport in range(3) for carrier in range(8)])


def places_of_a_storm(seed: int, hit: np.ndarray) -> list[tuple[tuple[int, ...], list[int]]]:
    """Dimensions and leaves of the places, where rare events become about forty times as many, in some leaves far more than in others."""
    rng = np.random.default_rng(seed)
    usual = rng.uniform(0.2, 1, len(LEAVES))
    counts = rng.poisson(usual * np.where(hit, 40 * np.exp(rng.normal(size=len(LEAVES))), 1)).astype(float)
    found = locate(build_cuboids(LEAVES), Moves.of(counts, usual, np.sqrt(usual)))
    return [(place.dimensions, place.leaves.tolist()) for place in found]


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_that_hits_every_carrier_as_many_times_as_it_likes_is_one_storm(seed: int) -> None:
    assert places_of_a_storm(seed, np.ones(len(LEAVES), bool)) == [((), list(range(len(LEAVES))))]


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_over_one_airport_is_told_from_the_others(seed: int) -> None:
    assert places_of_a_storm(seed, LEAVES[:, 0] == 1)[0] == ((0,), list(range(8, 16)))


def test_a_fall_is_measured_as_it_is() -> None:
    moves = Moves.of(np.array([60.0]), np.array([100.0]), np.array([10.0]))
    assert moves.moved / moves.weighed == pytest.approx([-0.4])
