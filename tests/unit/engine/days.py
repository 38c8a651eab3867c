"""A few series by the day, for facts that need weeks: sales of two countries on two devices, with a week and noise of two per cent."""

from collections.abc import Callable, Sequence

import numpy as np

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Incident
from l4m.engine.settings import Settings
from l4m.model import Measure

START, DAY = 1_699_833_600, 86_400  # a Monday, midnight UTC
LEAVES = [("DE", "app"), ("DE", "web"), ("FR", "app"), ("FR", "web")]
SETTINGS = Settings(DAY, (Measure("sales"),), ("country", "device"))
GERMANY, WEB = [0, 1], [1, 3]

Values = np.ndarray


def sales(days: int, seed: int = 1, change: Callable[[Values], None] | None = None) -> Values:
    """Values of shape (days, leaves), none of them whole numbers; ``change`` may alter what is usual, not the noise."""
    rng = np.random.default_rng(seed)
    week = 1 + 0.2 * np.sin(np.arange(days) * 2 * np.pi / 7)
    usual = np.outer(week, [4_000.0, 9_000.0, 6_000.0, 2_500.0])
    if change is not None:
        change(usual)
    return usual * np.exp(0.02 * rng.normal(size=usual.shape))


def detect(values: Values, settings: Settings = SETTINGS, leaves: Sequence[tuple[str, ...]] = LEAVES, start: int = START) -> list[Incident]:
    """All incidents, by their start."""
    found = Monitor(settings).observe(Block(start, values[np.newaxis].astype(np.float32), leaves)).incidents
    return sorted(found, key=lambda one: (one.start, one.direction))


def day_of(one: Incident, start: int = START) -> int:
    """The day of its start."""
    return (one.start - start) // DAY
