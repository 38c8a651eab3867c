"""Which deviations a user wants to hear of: of one direction, and of a least size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.state import Array
from l4m.engine.settings import Settings
from l4m.model import Direction


def is_wanted(deviation: Array, expected: Array, settings: Settings) -> NDArray[np.bool_]:
    """Return which deviations from the expected values, arrays of one shape, the settings let be reported.

    Examples
    --------
    >>> settings = Settings(interval_seconds=3600, measures=(), direction=Direction.DOWN, minimum_relative=0.1)
    >>> is_wanted(np.array([-30.0, -5.0, 30.0]), np.array([100.0, 100.0, 100.0]), settings).tolist()
    [True, False, False]
    """
    size = np.abs(deviation)
    wanted = (size >= settings.minimum_absolute) & (size >= settings.minimum_relative * np.abs(expected))
    if settings.direction is not Direction.BOTH:
        wanted &= deviation > 0 if settings.direction is Direction.UP else deviation < 0
    return np.asarray(wanted)
