"""The last intervals of every leaf."""

import numpy as np

from l4m.engine.incidents.history import History


def filled(intervals: int, longest: int = 5) -> History:
    history = History(1, 2, longest)
    for at in range(intervals):
        history.push(at, np.full((2, 1), at, np.float32), np.ones((2, 1), np.float32), np.ones((2, 1), np.bool_))
    return history


def values(history: History, first: int) -> list[float]:
    return history.value[history.slots(first), 0, 0].tolist()


def test_intervals_come_oldest_first_as_far_back_as_is_remembered() -> None:
    assert values(filled(8), 6) == [6, 7]
    assert values(filled(8), 0) == [3, 4, 5, 6, 7]
    assert values(filled(2), -4) == [0, 1]


def test_a_leaf_that_appears_has_a_past_of_nothing() -> None:
    history = filled(3)
    history.grow(3)
    assert history.value[history.slots(0), 2, 0].tolist() == [0, 0, 0]


def test_it_comes_back_as_it_was_saved() -> None:
    history, other = filled(8), History(1, 2, 5)
    other.restore(history.to_arrays())
    assert values(other, 4) == values(history, 4)


def test_many_leaves_have_a_shorter_past() -> None:
    assert len(History(1, 1_000_000, 100).value) == 2
