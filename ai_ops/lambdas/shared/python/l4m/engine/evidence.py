"""How strongly each node says that something is going on, on one scale for leaves and rollups."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from l4m.engine.facts import Facts
from l4m.engine.scores import Scores
from l4m.engine.settings import Settings
from l4m.engine.severity import rarity_of
from l4m.model import Aggregation, Direction

LEVEL_SIGMAS = (3.2, 3.4, 3.8, 4.2)  # needed by a node that keeps 0, 1, 2, more dimensions: the finer, the more of them there are
PER_DAY_SIGMAS = (0.35, 0.5, 0.6, 0.8)  # and more for each factor of ten in intervals per day
SMALL_CHANGE, SMALL_FACTOR = 0.2, 2.0  # a change below this share of the expected value has to be this much surer
DAY_TURN_FACTOR = 2.0  # and so much surer in the first interval of a day, where weekdays differ by a step
SILENT_SHARE = 0.5  # of these is enough where nothing came at all
MISSING_SIGMAS = 10.0  # what the silence of an average counts: its size says nothing
MOST_SIGMAS = np.float32(1e6)  # more cannot be told apart
COUNT_ERROR = 0.5  # a count varies by at least so much of its root: one more or less of a few says little
LEAST_SIGMAS = 1.5  # what is nearer to the expected value is not worth a word, however regular the series
LASTING_A_WEEK = 0.2  # totals that may go on and be so rare on quiet data, all measures together
HOURLY_RARITY, LONGEST_HOURS = 0.3, 12.0  # what an hour more adds to the log10 of a deviation's rarity, and for how many hours
OFF_SEASON = 0.7  # of the deviation that opens an incident, which the season alone has to confirm
LEAVING_SIGMAS = 3.0  # an incident goes on while its place stays this far out

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Signs of anomalies of all measures and nodes; arrays of shape (measures, intervals, nodes), or (measures, nodes) of one.

    Attributes
    ----------
    value, expected, lower, upper, error, severity : as scored; a series that should have reported and did not counts as 0
    sigmas : deviation in standard errors, 0 where nothing can be said
    strong : enough, alone, to open an incident
    anomalous : reported as a series of a group once an incident is open
    missing : should have reported and did not
    """

    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    error: Floats
    severity: Floats
    sigmas: Floats
    strong: Bools
    anomalous: Bools
    missing: Bools

    def interval(self, at: int) -> Evidence:
        """Return the evidence of one interval."""
        return Evidence(*(getattr(self, one.name)[:, at] for one in fields(self)))


def weigh(values: Floats, scores: Scores, *, depths: NDArray[np.int64], turns: Bools, facts: Facts, settings: Settings) -> Evidence:
    """Return the evidence of scored values.

    Parameters
    ----------
    values : float32 array, shape (intervals, nodes, measures)
    scores : arrays of shape (intervals, nodes x measures)
    depths : int array, shape (nodes,)
        Dimensions that each node keeps.
    turns : bool array, shape (intervals,)
        True for the first interval of a day.
    facts : Facts
        What was known of the measures in each interval.
    """
    shaped = {one.name: getattr(scores, one.name).reshape(values.shape) for one in fields(scores)}
    for name in ("expected", "lower", "upper"):
        shaped[name] = np.where(facts.is_positive[:, np.newaxis], np.maximum(shaped[name], np.float32(0)), shaped[name])
    missing = shaped["missing"] & (settings.direction is not Direction.UP)
    error = np.maximum(shaped["error"], np.float32(1e-12))
    if facts.is_count.any():
        error = np.maximum(error, np.float32(COUNT_ERROR) * np.sqrt(np.fmax(shaped["expected"], 1)) * facts.is_count[:, np.newaxis])
    is_sum = np.array([one.aggregation is Aggregation.SUM for one in settings.measures])
    value = np.where(missing, np.float32(0), values)
    with np.errstate(over="ignore", invalid="ignore"):
        sigmas = (value - shaped["expected"]) / error
        is_worth_a_word = ~(np.abs(sigmas) < LEAST_SIGMAS) | (missing & ~is_sum)
        sigmas /= np.sqrt(np.maximum(_ratio(value, shaped["expected"]), np.float32(1)))
    sigmas = np.where(missing & ~is_sum, np.float32(-MISSING_SIGMAS), sigmas)
    sigmas = np.where(~np.isnan(shaped["severity"]) | missing, np.clip(np.nan_to_num(sigmas), -MOST_SIGMAS, MOST_SIGMAS), np.float32(0))
    size = np.abs(sigmas)
    anomalous = (shaped["is_anomaly"] | missing) & is_worth_a_word
    is_small = np.abs(value - shaped["expected"]) < SMALL_CHANGE * np.abs(shaped["expected"])
    is_news = anomalous & (_is_off_season(value, shaped["expected"], shaped["usual"]) | missing)
    strong = is_news & (size >= _needed(depths, settings) * _doubt(missing, is_small, turns))
    is_total = (depths == 0)[:, np.newaxis] & ~missing & ~is_small & ~turns[:, np.newaxis, np.newaxis]
    strong |= is_news & is_total & _is_lasting(shaped["severity"], shaped["lasted"], settings)
    severity = np.where(missing, np.clip(50 + 5 * size, 50, 99), shaped["severity"]).astype(np.float32)
    arrays = (value, shaped["expected"], shaped["lower"], shaped["upper"], error, severity, sigmas, strong, anomalous, missing)
    return Evidence(*(np.moveaxis(array, 2, 0) for array in arrays))


def _is_off_season(value: Floats, expected: Floats, usual: Floats) -> Bools:
    """Return which deviations are about as large from the season alone.

    The others only leave a fast prediction that an event had dragged along, or that had run ahead of a slope: the way back.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = value - expected
        return np.asarray((value - usual) * np.sign(deviation) >= np.float32(OFF_SEASON) * np.abs(deviation))


def _is_lasting(severity: Floats, lasted: Floats, settings: Settings) -> Bools:
    """Return what has gone on for more than an interval and is, with every hour of it, rare enough to open an incident.

    Long, moderate deviations of measures with heavy tails never reach the sigmas that a single interval needs.
    """
    hours = np.minimum(lasted * np.float32(min(1.0, settings.interval_seconds / 3600)), np.float32(LONGEST_HOURS))
    rarity = rarity_of(np.nan_to_num(severity)) + np.float32(HOURLY_RARITY) * hours
    return np.asarray((lasted >= 1) & (rarity >= math.log10(len(settings.measures) / LASTING_A_WEEK)))


def _doubt(missing: Bools, is_small: Bools, turns: Bools) -> Floats:
    """Return how many times the usual evidence is needed."""
    factor = np.where(missing, np.float32(SILENT_SHARE), np.float32(1))
    factor *= np.where(is_small, np.float32(SMALL_FACTOR), np.float32(1))
    return np.where(turns[:, np.newaxis, np.newaxis] & ~missing, factor * np.float32(DAY_TURN_FACTOR), factor)


def _ratio(value: Floats, expected: Floats) -> Floats:
    """Return value over expected, 1 where that says nothing; the spread of counts and amounts grows with its root."""
    return np.divide(value, expected, out=np.ones_like(value), where=(value > 0) & (expected > 0))


def _needed(depths: NDArray[np.int64], settings: Settings) -> Floats:
    """Return the standard errors that each node needs to open an incident, shape (nodes, 1)."""
    per_day = max(1.0, 86_400 / settings.interval_seconds)
    levels = np.array(LEVEL_SIGMAS, np.float32) + np.array(PER_DAY_SIGMAS, np.float32) * np.float32(np.log10(per_day))
    levels *= np.float32(np.interp(settings.sensitivity, [0, 50, 100], [1.4, 1.0, 0.7]))
    return np.asarray(levels[np.minimum(depths, len(levels) - 1)][:, np.newaxis])
