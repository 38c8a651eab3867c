"""How far a series scatters, by the size of what is due."""

import numpy as np
import pytest

from l4m.engine.evidence.noise import Noise

DUE = np.tile(np.linspace(50, 400, 40, dtype=np.float32), 50)[:, np.newaxis, np.newaxis]
YES, NO = np.array([True]), np.array([False])


def learned(values: np.ndarray, is_count: bool) -> Noise:
    """Noise of one leaf that has seen values around what was due."""
    noise = Noise(1, 1, 5_000.0)
    for value, due in zip(values, DUE, strict=True):
        noise.learn((value - due).astype(np.float32), due, noise.variance(value, due, due), np.ones((1, 1), np.float32))
        noise.settle(YES, YES if is_count else NO, YES)
    return noise


def deviation_at(noise: Noise, size: float) -> float:
    due = np.full((1, 1), size, np.float32)
    return float(np.sqrt(noise.variance(due, due, due))[0, 0])


@pytest.mark.parametrize("size", [60.0, 350.0])
def test_counts_scatter_by_their_root(size: float) -> None:
    noise = learned(np.random.default_rng(1).poisson(DUE), is_count=True)
    assert deviation_at(noise, size) == pytest.approx(size**0.5, rel=0.2)


@pytest.mark.parametrize("size", [60.0, 350.0])
def test_what_moves_all_parts_together_scatters_by_its_size(size: float) -> None:
    noise = learned(DUE * np.random.default_rng(2).normal(1, 0.1, DUE.shape), is_count=False)
    assert deviation_at(noise, size) == pytest.approx(0.1 * size, rel=0.35)


def test_a_few_huge_values_hardly_widen_it() -> None:
    values = np.random.default_rng(3).poisson(DUE).astype(float)
    before = deviation_at(learned(values, is_count=True), 200)
    values[200::400] *= 50
    assert deviation_at(learned(values, is_count=True), 200) < 1.5 * before


def test_counts_without_any_variance_are_still_counts() -> None:
    assert deviation_at(learned(DUE.copy(), is_count=True), 100) >= 0.5
