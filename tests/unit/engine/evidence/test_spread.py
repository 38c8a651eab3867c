"""How far sums stray as a rule."""

import numpy as np
import pytest

from l4m.engine.evidence.spread import Spread

LENGTHS = [1, 4]


def learned(noise: np.ndarray) -> Spread:
    """A spread of one node that has seen deviations and their sums over four intervals."""
    spread = Spread(LENGTHS, 1, 2_000.0, 24.0)
    spread.grow(1)
    total = 0.0
    for value in noise:
        total = 0.75 * total + value
        raw = np.array([[[value]], [[total / 1.5]]], np.float32)
        spread.learn(raw, spread.scale(), np.ones((1, 1), np.float32), None)
    return spread


def far(spread: Spread, size: float) -> float:
    """What a deviation counts, in single intervals."""
    return float(spread.standardise(np.full((2, 1, 1), size, np.float32), spread.scale())[0, 0, 0])


def test_gaussian_noise_keeps_its_measure() -> None:
    noise = np.random.default_rng(1).normal(size=3_000)
    assert learned(noise).scale()[0, 0, 0] == pytest.approx(1, abs=0.1)
    assert far(learned(noise), 6.0) == pytest.approx(6, abs=1)


def test_heavy_tails_make_the_same_deviation_say_less() -> None:
    rng = np.random.default_rng(2)
    assert far(learned(rng.standard_t(2.2, 3_000)), 6.0) < 0.8 * far(learned(rng.normal(size=3_000)), 6.0)


def test_neighbours_that_go_together_widen_sums_more_than_intervals() -> None:
    steps = np.random.default_rng(3).normal(size=3_000)
    noise = np.convolve(steps, np.full(8, 8**-0.5), mode="same")
    scale = learned(noise).scale()[:, 0, 0]
    assert scale[1] > 1.3 * scale[0]


def test_incidents_of_the_past_do_not_silence_one_of_the_same_size() -> None:
    noise = np.random.default_rng(4).normal(size=2_000)
    noise[200::200] = 12
    assert far(learned(noise), 12.0) > 6


def test_sides_are_kept() -> None:
    spread = learned(np.random.default_rng(5).normal(size=500))
    assert far(spread, -6.0) == pytest.approx(-far(spread, 6.0))
