"""Seeded shapes of series that `scripts/train` fits on: quiet ones, and ones in which what is no noise is marked."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Shape = Callable[[np.random.Generator, int, int, int], tuple[Floats, Bools]]
LEVELS = (1.5, 4.5)  # log10 of the smallest and the largest usual value


def _levels(rng: np.random.Generator, series: int) -> Floats:
    return 10 ** rng.uniform(*LEVELS, series)


def _day(rng: np.random.Generator, n: int, series: int, per_day: int) -> Floats:
    """Return courses of days and weeks around 1."""
    t = np.arange(n)[:, np.newaxis]
    phase, depth = rng.uniform(0, 2 * np.pi, series), rng.uniform(0.1, 0.8, series)
    day = np.exp(depth * np.sin(2 * np.pi * t / per_day + phase)) if per_day > 1 else 1.0
    weekend = (t // per_day) % 7 >= 5
    return day * np.where(weekend, rng.uniform(0.5, 1.0, series), 1.0)


def _noise(rng: np.random.Generator, n: int, series: int) -> Floats:
    return np.exp(rng.uniform(0.01, 0.15, series) * rng.normal(size=(n, series)))


def _quiet(n: int, series: int) -> Bools:
    return np.ones((n, series), np.bool_)


def seasons(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Days and weeks."""
    return _levels(rng, series) * _day(rng, n, series, per_day) * _noise(rng, n, series), _quiet(n, series)


def odd_seasons(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Periods that are no day: from a sixth of a day to a month."""
    period = per_day * 10 ** rng.uniform(-0.8 if per_day > 1 else 0.5, 1.5, series)
    wave = np.sin(2 * np.pi * np.arange(n)[:, np.newaxis] / period + rng.uniform(0, 6, series))
    return _levels(rng, series) * (1 + rng.uniform(0.1, 0.6, series) * wave) * _noise(rng, n, series), _quiet(n, series)


def trends(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Growth and decline by up to half a per cent a day."""
    days = np.arange(n)[:, np.newaxis] / per_day
    values, quiet = seasons(rng, n, series, per_day)
    return values * np.exp(rng.uniform(-0.005, 0.005, series) * np.minimum(days, 365)), quiet


def closed_hours(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Counts of what is open by day, and not at weekends."""
    t = np.arange(n)[:, np.newaxis]
    hour, weekday = (t % per_day) * 24 / per_day, (t // per_day) % 7
    is_open = (weekday < rng.integers(5, 7, series)) & ((hour >= 7) & (hour < rng.integers(17, 22, series)) | (per_day == 1))
    return rng.poisson(_levels(rng, series) * is_open).astype(float), _quiet(n, series)


def counts(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Small counts."""
    return rng.poisson(10 ** rng.uniform(-0.5, 2, series) * _day(rng, n, series, per_day)).astype(float), _quiet(n, series)


def amounts(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Sums of few orders of very different size."""
    orders = rng.poisson(10 ** rng.uniform(0, 2, series) * _day(rng, n, series, per_day))
    return orders * 30 * np.exp(rng.normal(size=orders.shape) * 0.8 / np.sqrt(np.maximum(orders, 1))), _quiet(n, series)


def heavy_tails(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Noise of Student's t with three to five degrees of freedom."""
    noise = rng.standard_t(rng.uniform(3, 5, series), (n, series)) * rng.uniform(0.02, 0.1, series)
    return _levels(rng, series) * _day(rng, n, series, per_day) * np.maximum(1 + noise, 0), _quiet(n, series)


def light_tails(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Noise between two walls, as of shares and meters."""
    noise = rng.uniform(-1, 1, (n, series)) * rng.uniform(0.01, 0.2, series)
    return _levels(rng, series) * _day(rng, n, series, per_day) * (1 + noise), _quiet(n, series)


def sluggish(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Noise that remembers: each value is near the last one."""
    keep = rng.uniform(0.7, 0.98, series)
    noise = rng.normal(size=(n, series)) * np.sqrt(1 - keep**2) * rng.uniform(0.03, 0.2, series)
    for i in range(1, n):
        noise[i] += keep * noise[i - 1]
    return _levels(rng, series) * _day(rng, n, series, per_day) * np.exp(noise), _quiet(n, series)


def bursts(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Restless hours among calm ones, as of queues and machines."""
    restless = np.repeat(rng.random((n // 6 + 1, series)) < 0.08, 6, axis=0)[:n]
    size = rng.uniform(0.02, 0.08, series) * np.where(restless, 4, 1)
    return _levels(rng, series) * _day(rng, n, series, per_day) * np.exp(size * rng.normal(size=(n, series))), _quiet(n, series)


def resets(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """What fills and is emptied at times of its own, as memory and disks."""
    length = np.maximum(8, per_day * rng.uniform(0.5, 9, series))
    wobble = np.cumsum(np.exp(0.3 * rng.normal(size=(n, series))), axis=0)
    return _levels(rng, series) * (0.2 + wobble / length % 1) * np.exp(0.01 * rng.normal(size=(n, series))), _quiet(n, series)


def _mark(quiet: Bools, rng: np.random.Generator, per_day: int, length: int, grace: int) -> list[tuple[int, int]]:
    """Choose places of events, about one in three weeks, and mark them as not quiet; return them."""
    found = []
    for column in range(quiet.shape[1]):
        for at in np.flatnonzero(rng.random(len(quiet)) < 1 / (21 * per_day)).tolist():
            quiet[at : at + length + grace, column] = False
            found.append((at, column))
    return found


def steps(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Levels that change for good; the three days after count for nothing."""
    values, quiet = seasons(rng, n, series, per_day)
    for at, column in _mark(quiet, rng, per_day, 0, 3 * per_day):
        values[at:, column] *= rng.choice([0.6, 0.8, 1.25, 1.7])
    return values, quiet


def spikes(rng: np.random.Generator, n: int, series: int, per_day: int) -> tuple[Floats, Bools]:
    """Short spikes and falls; the hours around them count for nothing."""
    values, quiet = seasons(rng, n, series, per_day)
    for at, column in _mark(quiet, rng, per_day, 3, 6):
        values[at : at + 3, column] *= rng.choice([0.1, 0.5, 2, 6])
    return values, quiet


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        seasons,
        odd_seasons,
        trends,
        closed_hours,
        counts,
        amounts,
        heavy_tails,
        light_tails,
        sluggish,
        bursts,
        resets,
        steps,
        spikes,
    )
}
