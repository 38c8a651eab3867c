"""The stages of detection, in order: each reads and completes a step, and updates the detector's state."""

from __future__ import annotations

from collections.abc import Callable

from l4m.engine.detection.stages.calibrate import calibrate
from l4m.engine.detection.stages.combine import combine
from l4m.engine.detection.stages.date_effects import apply_date_effects
from l4m.engine.detection.stages.decide import decide
from l4m.engine.detection.stages.forecast import forecast
from l4m.engine.detection.stages.hold_events import hold_events
from l4m.engine.detection.stages.presence import track_presence
from l4m.engine.detection.stages.recovery import recover
from l4m.engine.detection.stages.update import update
from l4m.engine.detection.state import DetectorState
from l4m.engine.detection.step import Step

Stage = Callable[[Step, DetectorState], None]

STAGES: tuple[Stage, ...] = (
    track_presence,
    forecast,
    apply_date_effects,
    combine,
    calibrate,
    hold_events,
    recover,
    decide,
    update,
)
