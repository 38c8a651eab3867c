"""The detector: many series at once, one interval after the other, learning as it goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import LINE
from l4m.engine.detection.decay import DecayRates
from l4m.engine.detection.scores import Scores
from l4m.engine.detection.severity import threshold_of
from l4m.engine.detection.stages import STAGES
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Step
from l4m.engine.detection.workspace import Workspace
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.settings import Settings

BLOCK = 50_000  # series at a time, at most: enough to hide what a call costs, few enough for the cache
WORKERS = 2
WORTHWHILE = 20_000  # series from which on it pays to share them out


class Detector:
    """Scores every point from earlier ones only.

    Parameters
    ----------
    settings : Settings
        What the user chose.
    series : int
        Number of series.

    Examples
    --------
    >>> detector = Detector(Settings(interval_seconds=3600, measures=()), series=2)
    >>> scores = detector.step(np.array([1.0, np.nan], np.float32), start=1_699_920_000)
    >>> scores.severity.tolist()
    [nan, nan]
    """

    def __init__(self, settings: Settings, series: int) -> None:
        self._settings = settings
        self._seasons = Seasons.of(settings)
        self._rates = DecayRates.of(self._seasons)
        self._threshold = threshold_of(settings.sensitivity, self._rates.per_day)
        self._state = DetectorState.blank(self._seasons.rows, series)

    @property
    def series(self) -> int:
        """Number of series."""
        return int(self._state.seen.shape[1])

    def step(self, values: Array, start: int, *, bands: bool = False) -> Scores:
        """Score and learn the interval that begins at epoch second ``start``; ``values`` has shape (series,)."""
        return self.run(values[np.newaxis], start, bands=bands).part(0)

    def run(self, values: Array, start: int, *, bands: bool = False) -> Scores:
        """Score and learn consecutive intervals; ``values`` has shape (intervals, series).

        The numbers are those that as many steps give: a run goes through the same code, a block of series at a time.
        ``bands`` asks for the bands of all points, which take a tenth of the time; else only anomalies have one.
        """
        scores = Scores.blank(*values.shape)
        moments = [self._seasons.moment(start + i * self._seasons.interval) for i in range(len(values))]
        blocks, run_block = self._blocks(), partial(self._run_block, values, moments, scores, bands)
        if len(blocks) == 1 or WORKERS == 1:
            for block in blocks:
                run_block(block)
        else:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(run_block, blocks))
        return scores

    def grow(self, series: int) -> None:
        """Make room for ``series`` series in all; the new ones have not been seen yet."""
        if series > self.series:
            self._state = self._state.extended(DetectorState.blank(self._seasons.rows, series - self.series))

    def to_arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return everything that was learned, by name."""
        return self._state.arrays()

    @classmethod
    def from_arrays(cls, settings: Settings, arrays: Mapping[str, NDArray[np.float32]]) -> Detector:
        """Return the detector that ``to_arrays`` described; what an earlier version did not learn yet begins as in a new one."""
        detector = cls(settings, 0)
        detector._state = DetectorState.of(detector._seasons.rows, arrays)
        return detector

    def _blocks(self) -> list[slice]:
        """Return the series of blocks of one size, as many for each worker."""
        count = WORKERS * math.ceil(self.series / (BLOCK * WORKERS)) if self.series >= WORTHWHILE else 1
        size = max(1, math.ceil(self.series / count / LINE) * LINE)
        return [slice(first, min(first + size, self.series)) for first in range(0, self.series, size)]

    def _run_block(self, values: Array, moments: list[Moment], scores: Scores, bands: bool, block: slice) -> None:
        state, workspace = self._state.columns(block), Workspace.of(block.stop - block.start)
        with np.errstate(all="ignore"):
            for i, moment in enumerate(moments):
                said = scores.part(i, block)
                now = np.asarray(values[i, block], np.float32)
                step = Step(now, moment, self._settings, self._rates, self._threshold, said, workspace, bands)
                for stage in STAGES:
                    stage(step, state)
