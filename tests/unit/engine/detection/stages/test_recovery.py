"""The way back from an anomaly: no news up to the season, news beyond it."""

import numpy as np
import pytest
from tests.unit.engine.detection.detection_series import START, settings

from l4m.engine.detection.detector import Detector
from l4m.engine.detection.scores import Scores

DAY, LENGTH = 288, 18  # intervals of a day, and of the outage
BEGIN = 12 * DAY + 100
END = BEGIN + LENGTH


def wandering() -> np.ndarray:
    """Return a series whose days differ so much that its season knows little, but each interval resembles the last."""
    rng = np.random.default_rng(4)
    days = np.exp(0.65 * rng.standard_normal(15))
    level = np.interp(np.arange(14 * DAY) / DAY, np.arange(15), days)
    return np.asarray(1000 * level * (1 + 0.02 * rng.standard_normal(14 * DAY)), np.float32)


@pytest.fixture(scope="module")
def scores() -> Scores:
    """Scores of the series with an outage, and of one that comes back from it to three times the level of before."""
    outage = np.stack([wandering()] * 2, axis=1)
    outage[BEGIN:END] *= 0.3
    outage[END:, 1] *= 3
    return Detector(settings(300), 2).run(outage, START)


def test_outage_is_found_and_too_small_for_the_season_to_be_held(scores: Scores) -> None:
    assert scores.is_anomaly[BEGIN : BEGIN + 2].any(axis=0).all()
    assert not scores.is_anomaly[END - 3 : END].any()


def test_expectation_has_followed_the_outage_when_it_ends(scores: Scores) -> None:
    assert (scores.expected[END] < 0.5 * scores.usual[END]).all()


def test_way_back_to_the_season_is_no_anomaly(scores: Scores) -> None:
    assert not scores.is_anomaly[END : END + DAY, 0].any()
    assert np.nanmax(scores.severity[END : END + DAY, 0]) < 50


def test_way_past_the_season_is_an_anomaly(scores: Scores) -> None:
    assert scores.is_anomaly[END : END + 3, 1].any()
