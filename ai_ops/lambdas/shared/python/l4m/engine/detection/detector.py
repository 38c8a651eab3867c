"""The detector: many series at once, one interval after the other, learning as it goes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import LINE
from l4m.engine.detection.decay import DecayRates
from l4m.engine.detection.masking import LearningMask, apply_mask
from l4m.engine.detection.scores import Scores
from l4m.engine.detection.severity import threshold_of
from l4m.engine.detection.stages import STAGES
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Indices, Step
from l4m.engine.detection.workspace import Workspace
from l4m.engine.seasonality.seasons import Moment, Seasons
from l4m.engine.settings import Settings

BLOCK = 50_000  # series at a time, at most: enough to hide what a call costs, few enough for the cache
WORKERS = 2
SCALED = ("slow", "drift", "daily", "weekly", "last", "error", "size", "center", "spread", "least")
YOUNG_VISITS = 1.0  # of an hour, as which those count whose season is learned anew
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
        self._steps: list[Step] = []  # scored, not yet learned
        self._workspaces: list[Workspace] = []  # of the blocks in which single intervals are scored

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

        def run_block(block: slice) -> None:
            state, workspace = self._state.columns(block), Workspace.of(block.stop - block.start)
            with np.errstate(all="ignore"):
                for i, moment in enumerate(moments):
                    step = self._begin(values[i], moment, scores.part(i), block, workspace=workspace, bands=bands)
                    for stage in STAGES:
                        stage(step, state)

        self._share(run_block, self._blocks())
        return scores

    def score(self, values: Array, start: int, *, bands: bool = False) -> Scores:
        """Score one interval, ``values`` of shape (series,); it is learned when ``learn`` is called, before anything else."""
        scores, moment, blocks = Scores.blank(*values.shape), self._seasons.moment(start), self._blocks()
        if not self._workspaces:
            self._workspaces = [Workspace.of(one.stop - one.start) for one in blocks]
        pairs = zip(blocks, self._workspaces, strict=True)
        self._steps = [self._begin(values, moment, scores, one, workspace=workspace, bands=bands) for one, workspace in pairs]

        def score_block(number: int) -> None:
            state = self._state.columns(blocks[number])
            with np.errstate(all="ignore"):
                for stage in STAGES[:-1]:
                    stage(self._steps[number], state)

        self._share(score_block, range(len(blocks)))
        return scores

    def learn(self, mask: LearningMask | None = None) -> None:
        """Learn the interval that was scored, but for what ``mask`` says."""
        blocks = self._blocks()

        def learn_block(number: int) -> None:
            step, state = self._steps[number], self._state.columns(blocks[number])
            with np.errstate(all="ignore"):
                if mask is not None:
                    apply_mask(step, state, mask.part(blocks[number]))
                STAGES[-1](step, state)

        self._share(learn_block, range(len(blocks)))
        self._steps = []

    def _begin(self, values: Array, moment: Moment, scores: Scores, block: slice, *, workspace: Workspace, bands: bool) -> Step:
        now = np.asarray(values[block], np.float32)
        return Step(now, moment, self._settings, self._rates, self._threshold, scores.part(block), workspace, bands)

    @staticmethod
    def _share(work: Callable[[Any], None], parts: Sequence[Any]) -> None:
        """Do the same to all parts, on several cores where it pays."""
        if len(parts) == 1 or WORKERS == 1:
            for part in parts:
                work(part)
        else:
            list(_pool(os.getpid()).map(work, parts))

    def grow(self, series: int) -> None:
        """Make room for ``series`` series in all; the new ones have not been seen yet."""
        if series > self.series:
            self._state = self._state.extended(DetectorState.blank(self._seasons.rows, series - self.series))
            self._workspaces = []

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

    @property
    def seen(self) -> Array:
        """Points seen of every series."""
        return np.asarray(self._state.seen[0])

    def rescale(self, series: Indices, factors: Array) -> None:
        """Multiply what is expected of series, and how far they stray, by factors."""
        for name in SCALED:
            getattr(self._state, name)[:, series] *= factors
        self._state.event[:, series] = 0

    def forget(self, series: Indices) -> None:
        """Let series learn their seasons anew within a few days: the course of their days is another."""
        self._state.visits[:, series] = np.minimum(self._state.visits[:, series], YOUNG_VISITS * self._rates.per_hour)

    def add_season(self, target: int, sources: Indices, weights: Array) -> None:
        """Add the seasons of some series, each times a weight, to that of another."""
        for name in ("slow", "daily", "weekly"):
            array = getattr(self._state, name)
            array[:, target] += array[:, sources] @ weights
        self._state.drift[:, target] = 0
        self._state.event[:, target] = 0


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    """Return the threads of this process; one that was forked has none of its parent's."""
    return ThreadPoolExecutor(WORKERS)
