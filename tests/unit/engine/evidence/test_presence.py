"""Whether a series used to report at this hour of the week."""

import numpy as np

from l4m.engine.evidence.presence import REGULAR, Presence

OPEN, CLOSED = 12, 3


def learned(weeks: int = 4, begin: int = 0) -> Presence:
    """One series that reports from 8 to 20 o'clock, from an interval on."""
    presence = Presence(168, 1)
    presence.grow(1)
    for at in range(168 * weeks):
        here = np.array([[8 <= at % 24 < 20 and at >= begin]])
        presence.learn(at % 168, here, True)
    return presence


def test_closed_hours_are_not_due_and_open_ones_are() -> None:
    presence = learned()
    assert presence.share(OPEN)[0, 0] >= REGULAR
    assert presence.share(CLOSED)[0, 0] < 0.5


def test_what_was_before_the_first_row_is_no_absence() -> None:
    assert learned(begin=168).share(OPEN)[0, 0] >= REGULAR


def test_silence_of_a_series_that_hardly_was_seen_is_no_sure_sign() -> None:
    presence = Presence(168, 1)
    presence.grow(1)
    for at in range(3):
        presence.learn(at, np.array([[True]]), True)
    few = float(presence.chance(presence.share(3))[0, 0])
    assert few > 100 * float(learned(8).chance(np.ones((1, 1), np.float32))[0, 0]) or few > 0.1


def test_intervals_that_do_not_count_teach_nothing() -> None:
    presence = learned()
    before = presence.share(OPEN).copy()
    for at in range(168):
        presence.learn(at, np.array([[False]]), np.array([[False]]))
    presence.learn(0, np.array([[False]]), np.array([[False]]))
    np.testing.assert_array_equal(presence.share(OPEN), before)


def test_it_comes_back_as_it_was_saved() -> None:
    presence, other = learned(), Presence(168, 1)
    other.restore({name: array.copy() for name, array in presence.to_arrays().items()})
    for at in range(50):
        for one in (presence, other):
            one.learn(at, np.array([[at % 2 == 0]]), True)
    np.testing.assert_array_equal(presence.share(5), other.share(5))
