"""Series for the tests of detection: seasonal traffic with noise, and settings to read it with."""

import numpy as np
from numpy.typing import NDArray

from l4m.engine.settings import Settings

START = 1_699_833_600  # Monday 2023-11-13, midnight UTC


def settings(interval: int = 3600, **options: object) -> Settings:
    return Settings(interval_seconds=interval, measures=(), **options)  # type: ignore[arg-type]


def traffic(days: int, series: int = 3, interval: int = 3600, seed: int = 1) -> NDArray[np.float32]:
    """Return counts of shape (intervals, series) with a daily season, a quieter weekend and Poisson noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(days * 86_400 // interval) * interval
    season = 1 + 0.6 * np.sin(2 * np.pi * t / 86_400) if interval < 86_400 else np.ones(len(t))
    week = np.where((t // 86_400) % 7 >= 5, 0.95, 1.0)
    return rng.poisson((season * week)[:, None] * np.linspace(800, 4000, series) * min(interval, 3600) / 3600).astype(np.float32)
