"""Stage: severity, band and decision, by the user's sensitivity, direction and minimum sizes."""

from __future__ import annotations

import math

import numpy as np

from l4m.engine.detection.report_filter import is_wanted
from l4m.engine.detection.severity import severity_of
from l4m.engine.detection.stages.calibrate import LIGHTEST, SHARE
from l4m.engine.detection.stages.hold_events import STAY
from l4m.engine.detection.state import DetectorState
from l4m.engine.detection.step import Indices, Step

INSIDE = 0.99  # where the edge of the band lies, at most, under the deviation of a point outside
TWENTIETH = math.log(SHARE / 0.025)  # tails from a sigma to the deviation that one of twenty points exceeds, up or down
NINETY_FIVE = 1.96  # the same deviation of a Gaussian, in sigmas


def decide(step: Step, state: DetectorState) -> None:
    """Fill ``severity``, ``error``, ``is_anomaly``, and ``lower`` and ``upper`` where they are wanted; open events."""
    survival_score, scores = step.survival_score, step.scores
    if len(step.held):
        survival_score[step.held] = np.maximum(survival_score[step.held], step.threshold)
    severity_of(survival_score, step.rates.per_day, out=scores.severity)
    beyond = (survival_score >= step.threshold).nonzero()[0]
    if not step.is_complete or step.youngest < step.rates.cold_start:
        beyond = _leave_unscored(step, beyond)
    scores.lasted[step.open] = state.event[1, step.open]
    if len(beyond):
        _open_events(step, state, beyond)
        state.anomaly[0, beyond] = np.copysign(step.seen[beyond] + 1, step.deviations[0, beyond])
        beyond = beyond[is_wanted(step.deviations[0, beyond], step.expected[beyond], step.settings)]
        scores.is_anomaly[beyond] = True
    _state_error(step, state)
    if step.draws_bands:
        _draw_band(step, state, slice(None))
    elif len(outside := beyond if step.is_complete else (scores.is_anomaly | scores.missing).nonzero()[0]):
        _draw_band(step, state, outside)


def _leave_unscored(step: Step, beyond: Indices) -> Indices:
    """Take severities back where no value arrived or the cold start is not over; return what is left of ``beyond``."""
    is_unscored = np.isnan(step.values) | (step.seen < step.rates.cold_start)
    step.scores.severity[is_unscored] = np.nan
    return np.asarray(beyond[~is_unscored[beyond]])


def _open_events(step: Step, state: DetectorState, beyond: Indices) -> None:
    sign = state.event[0]
    opened = beyond[(sign[beyond] == 0) & (step.seasonal_score[beyond] >= step.threshold - STAY)]
    sign[opened] = np.sign(step.deviations[1, opened])
    step.open = np.concatenate([step.open, opened])


def _state_error(step: Step, state: DetectorState) -> None:
    """State the deviation that one of twenty points exceeds to the heavier side as the standard error of a Gaussian."""
    error = np.abs(state.asymmetry[0], out=step.scores.error)
    error += state.tail[0]
    np.maximum(error, LIGHTEST, out=error)
    error *= TWENTIETH
    np.exp2(error, out=error)
    error *= step.workspace.scales[0]
    error *= 1 / NINETY_FIVE


def _draw_band(step: Step, state: DetectorState, which: Indices | slice) -> None:
    """Draw the band at the deviation whose log survival score is the threshold; the value is outside exactly if it is an anomaly."""
    scores, expected, tail, asymmetry = step.scores, step.expected[which], state.tail[0, which], state.asymmetry[0, which]
    size, value, is_outside = np.abs(step.deviations[0, which]), step.value[which], scores.is_anomaly[which]
    reach = np.exp2(np.maximum([tail + asymmetry, tail - asymmetry], LIGHTEST) * step.threshold) * step.workspace.scales[0, which]
    np.minimum(reach, size * INSIDE, out=reach, where=is_outside)
    upper, lower = expected + reach[0], expected - reach[1]
    scores.upper[which] = np.maximum(upper, value, out=upper, where=~is_outside)
    scores.lower[which] = np.minimum(lower, value, out=lower, where=~is_outside)
