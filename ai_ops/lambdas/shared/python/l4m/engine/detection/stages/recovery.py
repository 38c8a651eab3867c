"""Stage: after an anomaly, the way back to the season is no news."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.calibrate import SEASONAL_MARGIN
from l4m.engine.detection.state import DetectorState
from l4m.engine.detection.step import Step

NEWS = 2.0  # log survival score from which a point is looked at


def recover(step: Step, state: DetectorState) -> None:
    """Judge a point by its season alone where a recent anomaly took the expectation along, and the point comes back.

    An anomaly too small or too early to be held as an event teaches the fast predictors where the series is, and its
    end surprises them. They went along if the expectation is off the season, to the anomaly's side, by more than the
    season errs.
    """
    news = (step.survival_score > NEWS).nonzero()[0]
    news = news[step.seen[news] - np.abs(state.anomaly[0, news]) < step.rates.day]
    if not len(news):
        return
    when, deviation, seasonal = state.anomaly[0, news], step.deviations[0, news], step.deviations[1, news]
    went_along = np.sign(when) * (seasonal - deviation) > step.workspace.scales[1, news]
    back = news[went_along & (when * deviation < 0)]
    step.survival_score[back] = np.minimum(step.survival_score[back], np.maximum(step.seasonal_score[back] - SEASONAL_MARGIN, 0))
