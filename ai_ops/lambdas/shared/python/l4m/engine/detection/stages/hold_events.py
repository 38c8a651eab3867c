"""Stage: an event goes on until its series comes back, or until it has lasted so long that it is the new normal."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.calibrate import SEASONAL_MARGIN
from l4m.engine.detection.state import DetectorState
from l4m.engine.detection.step import Step

STAY = 0.46  # by how much the seasonal score may fall below an anomaly's before an open event ends
LONGEST_DAYS, LONGEST_OF_DAYS = 1.5, 5.0  # after which it is the new normal; the second counts intervals of a day


def hold_events(step: Step, state: DetectorState) -> None:
    """Fill ``open`` and ``held``: an event is open, and the series is still off its season to the same side.

    While an event is open, the series is judged by its season alone, the baseline from before the event, so that its
    return is no news. An event that has lasted long enough moves that baseline to where the series now is. Silence
    neither ends an event nor holds it.
    """
    sign, age = state.event
    open_ = step.open = step.held = (sign != 0).nonzero()[0]
    if not len(open_):
        return
    stay = step.threshold - STAY
    longest = LONGEST_OF_DAYS if step.rates.per_day == 1 else LONGEST_DAYS * step.rates.per_day
    arrived, recent = ~np.isnan(step.values[open_]), age[open_] < longest
    off = arrived & (step.seasonal_score[open_] >= stay) & (step.deviations[1, open_] * sign[open_] > 0)
    step.held, outlived = open_[off & recent], open_[off & ~recent]
    step.expected[open_] = step.value[open_] - step.deviations[1, open_]
    step.deviations[0, open_] = step.deviations[1, open_]
    step.workspace.scales[0, open_] = step.workspace.scales[1, open_]
    step.survival_score[open_] = np.maximum(step.seasonal_score[open_] - SEASONAL_MARGIN, 0)
    state.slow[0, outlived] += step.deviations[1, outlived]
    state.drift[0, outlived] = 0
    age[open_] += 1
    stays = recent & (off | ~arrived)
    step.open, ended = open_[stays], open_[~stays]
    sign[ended] = age[ended] = 0
