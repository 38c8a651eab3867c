"""Why an incident is not told."""

from dataclasses import replace

import numpy as np
import pytest

from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.incidents.suppression import BY_DIRECTION, BY_FEEDBACK, BY_SIZE, Suppression
from l4m.engine.results import REASONS, Feedback
from l4m.engine.settings import Settings
from l4m.model import Direction, Measure

SETTINGS = Settings(3_600, (Measure("views"), Measure("sales")), ("country", "device"))
LEAVES = [("DE", "app"), ("DE", "web"), ("FR", "web")]
GERMANY = np.array([True, True, False])
NORMAL = Feedback("views", {"country": "DE"}, severity=70.0, direction="down")


def reason(settings: Settings = SETTINGS, feedback: tuple[Feedback, ...] = (), **changes: object) -> str:
    cube = Rollups(2, True)
    cube.add(LEAVES)
    said = {"measure": 0, "leaves": GERMANY, "side": -1, "severity": 72.0, "deviation": -40.0, "due": 100.0} | changes
    return Suppression(HierarchyIndex.of(settings, cube), feedback).reason(**said)


def test_without_a_wish_everything_is_told() -> None:
    assert reason() == ""


@pytest.mark.parametrize(("direction", "said"), [(Direction.UP, BY_DIRECTION), (Direction.DOWN, ""), (Direction.BOTH, "")])
def test_only_the_direction_that_was_asked_for_is_told(direction: Direction, said: str) -> None:
    assert reason(replace(SETTINGS, direction=direction)) == said


@pytest.mark.parametrize(
    ("wish", "said"), [({"minimum_absolute": 41.0}, BY_SIZE), ({"minimum_relative": 0.41}, BY_SIZE), ({"minimum_relative": 0.39}, "")]
)
def test_smaller_changes_than_asked_for_are_not_told(wish: dict[str, float], said: str) -> None:
    assert reason(replace(SETTINGS, **wish)) == said


def test_what_a_user_called_no_anomaly_is_not_told_again_there_nor_in_a_part() -> None:
    assert reason(feedback=(NORMAL,)) == BY_FEEDBACK
    assert reason(feedback=(NORMAL,), leaves=np.array([True, False, False])) == BY_FEEDBACK


@pytest.mark.parametrize(
    "changes",
    [{"side": 1}, {"severity": 80.0}, {"measure": 1}, {"leaves": np.array([True, True, True])}],
    ids=["side", "size", "measure", "place"],
)
def test_what_is_otherwise_is_told_all_the_same(changes: dict[str, object]) -> None:
    assert reason(feedback=(NORMAL,), **changes) == ""


def test_every_reason_can_be_said_of_a_point() -> None:
    assert {BY_DIRECTION, BY_FEEDBACK, BY_SIZE} <= set(REASONS)
