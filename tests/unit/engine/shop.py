"""A small shop: visits and revenue of country x platform, with daily season, counting noise and incidents put in by the tests."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Measure

START = 1_699_920_000  # Tuesday, 2023-11-14 00:00 UTC
HOUR = 3600
COUNTRIES, PLATFORMS = ("BR", "DE", "JP", "US"), ("ios", "tv", "web")
LEAVES = [(country, platform) for country in COUNTRIES for platform in PLATFORMS]
SETTINGS = Settings(HOUR, (Measure("visits"), Measure("revenue")), ("country", "platform"))
AVERAGE = Settings(HOUR, (Measure("latency", Aggregation.AVG),), ("country", "platform"))


def leaves_where(**dimensions: str) -> np.ndarray:
    """Mask of the leaves with these dimension values."""
    named = {"country": 0, "platform": 1}
    return np.array([all(leaf[named[name]] == value for name, value in dimensions.items()) for leaf in LEAVES])


def simulate(days: int = 18, seed: int = 1, change: Callable[[np.ndarray, np.ndarray], None] | None = None) -> np.ndarray:
    """Values of shape (measures, hours, leaves); ``change`` may alter the rates of visits and revenue, both (hours, leaves).

    What comes before the first change is the same whatever is changed.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    noise = rng.normal(1, 0.03, (len(hours), len(LEAVES)))
    season = np.exp(-0.8 * np.cos(2 * np.pi * hours / 24))
    visits = season[:, None] * rng.uniform(300, 3000, len(LEAVES))[None]
    price = np.full_like(visits, 1.5)
    if change:
        change(visits, price)
    counts = np.where(np.isnan(visits), np.nan, rng.poisson(np.nan_to_num(visits)))
    return np.stack([counts, counts * price * noise]).astype(np.float32)


def block_of(values: np.ndarray, first: int = 0, last: int | None = None) -> Block:
    """Hours ``first`` to ``last`` of simulated values."""
    return Block(START + first * HOUR, values[:, first:last], LEAVES)


@cache
def learned(hours: int, measures: int = 2) -> bytes:
    """A monitor that has seen that many quiet hours of the first measures, and found nothing in them."""
    monitor = Monitor(replace(SETTINGS, measures=SETTINGS.measures[:measures]))
    assert monitor.observe(block_of(simulate()[:measures], 0, hours)).incidents == ()
    return monitor.save()
