"""A course of the week that multiplies, beside seasons that add."""

import numpy as np
import pytest

from l4m.engine.evidence.week import WeekCourse

YES = np.array([True])
ONES = np.ones((1, 1), np.float32)
SHAPE = np.where(np.arange(168) < 120, 1.0, 0.25) * (1 + 0.5 * np.sin(np.arange(168) * np.pi / 12))  # a quiet weekend


def learned(season: float, weeks: int = 5) -> tuple[WeekCourse, np.ndarray]:
    """A course that has seen weeks beside a season that is off by a factor, and what it said was due in the last one."""
    course, due = WeekCourse(168, 1, 24), np.zeros(168)
    course.grow(1)
    for at in range(168 * weeks):
        came = np.full((1, 1), 100 * SHAPE[at % 168], np.float32)
        due[at % 168] = course.expect(at % 168, came * np.float32(season), YES)[0][0, 0]
        course.learn(at % 168, came, ONES, ONES)
    return course, due


def test_a_week_that_multiplies_is_known_within_weeks_where_the_season_is_off() -> None:
    _, due = learned(season=1.4)
    np.testing.assert_allclose(due, 100 * SHAPE, rtol=0.1)


def test_a_season_that_is_right_is_believed() -> None:
    _, due = learned(season=1.0)
    np.testing.assert_allclose(due, 100 * SHAPE, rtol=0.02)


@pytest.mark.parametrize("weeks", [1, 5])
def test_nothing_negative_is_due_of_what_never_was(weeks: int) -> None:
    course, _ = learned(season=1.0, weeks=weeks)
    assert course.expect(3, np.full((1, 1), -5, np.float32), YES)[1][0, 0] >= 0


def test_it_comes_back_as_it_was_saved() -> None:
    course, _ = learned(season=1.4)
    other = WeekCourse(168, 1, 24)
    other.restore({name: array.copy() for name, array in course.to_arrays().items()})
    season = np.full((1, 1), 70, np.float32)
    for found, expected in zip(other.expect(60, season, YES), course.expect(60, season, YES), strict=True):
        np.testing.assert_array_equal(found, expected)
