"""The stages of detection, in order: each reads and completes a point, and updates what is remembered."""

from __future__ import annotations

from collections.abc import Callable

from l4m.engine.detection.stages.calibrate import calibrate
from l4m.engine.detection.stages.combine import compare
from l4m.engine.detection.stages.date_effects import recall
from l4m.engine.detection.stages.decide import decide
from l4m.engine.detection.stages.forecast import predict
from l4m.engine.detection.stages.hold_events import hold
from l4m.engine.detection.stages.presence import attend
from l4m.engine.detection.stages.recovery import resume
from l4m.engine.detection.stages.update import learn
from l4m.engine.detection.state import Memory
from l4m.engine.detection.step import Point

Stage = Callable[[Point, Memory], None]

STAGES: tuple[Stage, ...] = (attend, predict, recall, compare, calibrate, hold, resume, decide, learn)
