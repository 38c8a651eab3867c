"""The stages of detection, in order: each reads and completes a point, and updates what is remembered."""

from __future__ import annotations

from collections.abc import Callable

from l4m.engine.memory import Memory
from l4m.engine.point import Point
from l4m.engine.stages.attend import attend
from l4m.engine.stages.calibrate import calibrate
from l4m.engine.stages.compare import compare
from l4m.engine.stages.decide import decide
from l4m.engine.stages.hold import hold
from l4m.engine.stages.learn import learn
from l4m.engine.stages.predict import predict
from l4m.engine.stages.recall import recall
from l4m.engine.stages.resume import resume

Stage = Callable[[Point, Memory], None]

STAGES: tuple[Stage, ...] = (attend, predict, recall, compare, calibrate, hold, resume, decide, learn)
