"""How strongly each node says that something is going on, on one scale for leaves and rollups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

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
GRAIN, GRAINS = np.float32(0.3), 256  # of what leaves scatter per unit, what any node does at least; leaves that are asked
LEAVING_SIGMAS = 3.0  # an incident goes on while its place stays this far out

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """Signs of anomalies of all measures and nodes; arrays of shape (measures, intervals, nodes), or (measures, nodes) of one.

    Attributes
    ----------
    value, expected, lower, upper, error, usual, severity : as scored; a series that should have reported and did not counts as 0
    sigmas : deviation in standard errors, 0 where nothing can be said
    strong : enough, alone, to open an incident
    anomalous : reported as a series of a group once an incident is open
    missing : should have reported and did not
    needed : deviation that opens an incident, in standard errors
    """

    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    error: Floats
    usual: Floats
    severity: Floats
    sigmas: Floats
    strong: Bools
    anomalous: Bools
    missing: Bools
    needed: Floats

    def part(self, at: int | slice) -> Evidence:
        """Return the evidence of one interval, or of some."""
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
    said = _shape(values, scores, facts)
    missing = said["missing"] = said["missing"] & (settings.direction is not Direction.UP)
    value, is_known = np.where(missing, np.float32(0), values), ~np.isnan(said["severity"])
    error = np.maximum(said["error"], np.float32(1e-12))
    if facts.is_count.any():
        error = np.maximum(error, np.float32(COUNT_ERROR) * np.sqrt(np.fmax(said["expected"], 1)) * facts.is_count[:, np.newaxis])
    is_sum = np.array([one.aggregation is Aggregation.SUM for one in settings.measures])
    with np.errstate(over="ignore", invalid="ignore"):
        sigmas = (value - said["expected"]) / error
        is_worth_a_word = ~(np.abs(sigmas) < LEAST_SIGMAS) | (missing & ~is_sum)
        sigmas /= np.sqrt(np.maximum(_ratio(value, said["expected"]), np.float32(1)))
    most = _most_sigmas(value, said["expected"], np.where(is_known, error, np.float32(np.nan)), depths)
    sigmas = np.where(facts.is_positive[:, np.newaxis] & is_sum & ~missing, np.clip(sigmas, -most, most), sigmas)
    sigmas = np.where(missing & ~is_sum, np.float32(-MISSING_SIGMAS), sigmas)
    sigmas = np.where(is_known | missing, np.clip(np.nan_to_num(sigmas), -MOST_SIGMAS, MOST_SIGMAS), np.float32(0))
    anomalous = (said["is_anomaly"] | missing) & is_worth_a_word
    is_news = anomalous & (_is_off_season(value, said["expected"], said["usual"]) | missing)
    needed = _needed(value, said, turns, depths, settings)
    strong = is_news & (np.abs(sigmas) >= needed)
    severity = np.where(missing, np.clip(50 + 5 * np.abs(sigmas), 50, 99), said["severity"]).astype(np.float32)
    bands = said["expected"], said["lower"], said["upper"]
    arrays: tuple[NDArray[Any], ...] = (value, *bands, error, said["usual"], severity, sigmas, strong, anomalous, missing, needed)
    return Evidence(*(np.moveaxis(array, 2, 0) for array in arrays))


def _shape(values: Floats, scores: Scores, facts: Facts) -> dict[str, Any]:
    """Return the scores by name, of the shape of the values; what is never negative is not expected to be."""
    said = {one.name: getattr(scores, one.name).reshape(values.shape) for one in fields(scores)}
    for name in ("expected", "lower", "upper", "usual"):
        said[name] = np.where(facts.is_positive[:, np.newaxis], np.maximum(said[name], np.float32(0)), said[name])
    return said


def _most_sigmas(value: Floats, expected: Floats, error: Floats, depths: NDArray[np.int64]) -> Floats:
    """Return the standard errors that no deviation counts for more than, because of the grain of its measure.

    A sum of few large parts, the minutes by which two planes are late, scatters with the root of its size, however calm it
    was lately. How coarse the parts are is what the median leaf scatters per unit; the roots of sums scatter alike.
    """
    leaves = np.flatnonzero(depths == depths.max(initial=0))[:GRAINS]
    with np.errstate(all="ignore"):
        scatter = np.square(error[:, leaves]) / expected[:, leaves]
        scatter[~(scatter < np.inf)] = np.inf
        middle = np.minimum(np.isfinite(scatter).sum(axis=1, keepdims=True) // 2, max(len(leaves) - 1, 0))
        grain = GRAIN * np.take_along_axis(np.sort(scatter, axis=1), middle, axis=1) if len(leaves) else np.float32(0)
        most = 2 * np.abs(np.sqrt(value) - np.sqrt(expected)) / np.sqrt(np.where(np.isfinite(grain), grain, np.float32(0)))
    return np.asarray(np.where(most < MOST_SIGMAS, most, MOST_SIGMAS), np.float32)


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


def _needed(value: Floats, said: Mapping[str, Any], turns: Bools, depths: NDArray[np.int64], settings: Settings) -> Floats:
    """Return the standard errors that each point needs to open an incident: more where it is small or the day begins."""
    missing, is_small = said["missing"], np.abs(value - said["expected"]) < SMALL_CHANGE * np.abs(said["expected"])
    is_turn = turns[:, np.newaxis, np.newaxis] & ~missing
    needed = np.where(missing, np.float32(SILENT_SHARE), np.float32(1)) * _levels(depths, settings)
    needed *= np.where(is_small, np.float32(SMALL_FACTOR), np.float32(1))
    needed *= np.where(is_turn, np.float32(DAY_TURN_FACTOR), np.float32(1))
    is_total = (depths == 0)[:, np.newaxis] & ~missing & ~is_small & ~is_turn
    return np.where(is_total & _is_lasting(said["severity"], said["lasted"], settings), np.float32(0), needed)


def _ratio(value: Floats, expected: Floats) -> Floats:
    """Return value over expected, 1 where that says nothing; the spread of counts and amounts grows with its root."""
    return np.divide(value, expected, out=np.ones_like(value), where=(value > 0) & (expected > 0))


def _levels(depths: NDArray[np.int64], settings: Settings) -> Floats:
    """Return the standard errors that each node needs to open an incident, shape (nodes, 1)."""
    per_day = max(1.0, 86_400 / settings.interval_seconds)
    levels = np.array(LEVEL_SIGMAS, np.float32) + np.array(PER_DAY_SIGMAS, np.float32) * np.float32(np.log10(per_day))
    levels *= np.float32(np.interp(settings.sensitivity, [0, 50, 100], [1.4, 1.0, 0.7]))
    return np.asarray(levels[np.minimum(depths, len(levels) - 1)][:, np.newaxis])
