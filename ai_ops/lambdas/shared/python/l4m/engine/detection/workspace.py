"""Working space of the stages: rows that every interval of a run writes anew, so that they stay in the cache."""

from __future__ import annotations

from dataclasses import dataclass

from l4m.engine.arrays import blank_rows
from l4m.engine.detection.state import Array


@dataclass(frozen=True)
class Workspace:
    """Views of one array; shape (rows, series) where more than one row is meant, else (series,).

    Attributes
    ----------
    deviations : value minus the combined, and minus the slow seasonal prediction
    errors : value minus the prediction of each of five predictors; the first is the second deviation
    costs : running errors of the best predictor, and of the three that compete
    scales : usual sizes of the deviations; take the place of the first two costs
    survival_scores : -log of the share of points beyond a sigma that deviate more, blended and of the season alone; take
        the place of the last two costs
    limits : how far errors of the daily and the weekly season count; take the place of the scales, once a point is judged
    gain : how much a point teaches, where that differs from series to series
    scratch : four rows for whatever stage is at work; few, and each used again at once, so that they stay in the nearest cache
    """

    deviations: Array
    errors: Array
    costs: Array
    scales: Array
    survival_scores: Array
    limits: Array
    gain: Array
    scratch: tuple[Array, ...]

    @classmethod
    def of(cls, series: int) -> Workspace:
        """Return the working space for that many series."""
        rows = blank_rows(15, series)
        return cls(rows[:2], rows[1:6], rows[6:10], rows[6:8], rows[8:10], rows[6:8], rows[10], tuple(rows[11:]))
