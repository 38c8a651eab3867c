"""How strongly each node says that something is going on, on one scale for leaves and rollups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.scores import Scores
from l4m.engine.detection.severity import rarity_of
from l4m.engine.hierarchy.measure_traits import MeasureTraits
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Direction

LEVEL_SIGMAS = (3.2, 3.4, 3.8, 4.2)  # needed by a node that keeps 0, 1, 2, more dimensions: the finer, the more of them there are
PER_DAY_SIGMAS = (0.35, 0.5, 0.6, 0.8)  # and more for each factor of ten in intervals per day
SMALL_CHANGE, SMALL_FACTOR = 0.2, 2.0  # a change below this share of the expected value has to be this much surer
DAY_TURN_FACTOR = 2.0  # and so much surer in the first interval of a day, where weekdays differ by a step
SILENT_SHARE = 0.5  # of these is enough where nothing came at all
MISSING_SIGMAS = 10.0  # what the silence of an average counts: its size says nothing
MOST_SIGMAS = np.float32(1e6)  # more cannot be told apart
TINY = np.float32(1e-12)  # error of what never errs
COUNT_ERROR = 0.5  # a count varies by at least so much of its root: one more or less of a few says little
LEAST_SIGMAS = 1.5  # what is nearer to the expected value is not worth a word, however regular the series
LASTING_A_WEEK = 0.2  # totals that may go on and be so rare on quiet data, all measures together
HOURLY_RARITY, LONGEST_HOURS = 0.3, 12.0  # what an hour more adds to the log10 of a deviation's rarity, and for how many hours
OFF_SEASON = 0.7  # of the deviation that opens an incident, which the season alone has to confirm
GRAIN, GRAINS = np.float32(0.3), 256  # of what leaves scatter per unit, what any node does at least; leaves that are asked
HARDLY = np.float32(0.25)  # of a leaf's error; what is expected of it has to be more to say how coarse its parts are
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
    needed : deviation that opens an incident, in standard errors, of what is anomalous or missing
    beside, kin : deviation beside its kin, in standard errors, and what is expected there; 0 where nothing is known
    odd : deviates enough beside its kin to open an incident
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
    beside: Floats
    kin: Floats
    odd: Bools

    def part(self, at: int | slice) -> Evidence:
        """Return the evidence of one interval, or of some."""
        return Evidence(*(getattr(self, one.name)[:, at] for one in fields(self)))


def weigh(values: Floats, scores: Scores, *, depths: NDArray[np.int64], turns: Bools, facts: MeasureTraits, settings: Settings) -> Evidence:
    """Return the evidence of scored values.

    Parameters
    ----------
    values : float32 array, shape (intervals, nodes, measures)
    scores : arrays of shape (intervals, nodes x measures); what is learned here is written into them
    depths : int array, shape (nodes,)
        Dimensions that each node keeps.
    turns : bool array, shape (intervals,)
        True for the first interval of a day.
    facts : Facts
        What was known of the measures in each interval.
    """
    said = _shape(values, scores, facts)
    is_sum = np.array([one.aggregation is Aggregation.SUM for one in settings.measures])
    missing = said["missing"] = said["missing"] & (settings.direction is not Direction.UP)
    said["value"] = np.where(missing, np.float32(0), values) if missing.any() else values
    np.maximum(said["error"], _least_error(said["expected"], facts), out=said["error"])
    with np.errstate(all="ignore"):
        sigmas = said["sigmas"] = _deviate(said, _most_sigmas(said, depths, facts.is_positive[:, np.newaxis] & is_sum))
    sigmas[missing & ~is_sum] = -MISSING_SIGMAS
    said["severity"][missing] = np.clip(50 + 5 * np.abs(sigmas[missing]), 50, 99)
    said |= {name: np.zeros(sigmas.shape, np.bool_) for name in ("strong", "anomalous", "odd")}
    said |= {name: np.zeros(sigmas.shape, np.float32) for name in ("needed", "beside", "kin")}
    at = np.nonzero(said["is_anomaly"] | missing)
    point = {name: array[at] for name, array in said.items()}
    is_worth_a_word = ~(np.abs(point["value"] - point["expected"]) / point["error"] < LEAST_SIGMAS) | (point["missing"] & ~is_sum[at[2]])
    needed = said["needed"][at] = _needed(point, turns[at[0]], depths[at[1]], settings)
    said["anomalous"][at] = is_worth_a_word
    said["strong"][at] = is_worth_a_word & (_is_off_season(point) | point["missing"]) & (np.abs(point["sigmas"]) >= needed)
    return Evidence(**{one.name: np.moveaxis(said[one.name], 2, 0) for one in fields(Evidence)})


def _shape(values: Floats, scores: Scores, facts: MeasureTraits) -> dict[str, Any]:
    """Return the scores by name, of the shape of the values; what is never negative is not expected to be."""
    said = {one.name: getattr(scores, one.name).reshape(values.shape) for one in fields(scores)}
    least = np.float32(0) if facts.is_positive.all() else np.where(facts.is_positive, np.float32(0), -np.inf)[:, np.newaxis]
    for name in ("expected", "lower", "upper", "usual"):
        np.maximum(said[name], least, out=said[name])
    return said


def _least_error(expected: Floats, facts: MeasureTraits) -> Floats | np.float32:
    """Return the smallest standard error that a point can have."""
    if not facts.is_count.any():
        return TINY
    return np.maximum(np.float32(COUNT_ERROR) * np.sqrt(np.fmax(expected, 1)) * facts.is_count[:, np.newaxis], TINY)


def _deviate(said: Mapping[str, Any], most: Floats) -> Floats:
    """Return deviations in standard errors; the spread of counts and amounts grows with its root."""
    value, expected, missing = said["value"], said["expected"], said["missing"]
    ratio = value / expected
    np.copyto(ratio, 1, where=~((value > 0) & (expected > 0)))
    np.maximum(ratio, 1, out=ratio)
    sigmas = value - expected
    sigmas /= said["error"]
    sigmas /= np.sqrt(ratio, out=ratio)
    np.minimum(sigmas, most, out=sigmas)
    np.maximum(sigmas, np.negative(most, out=most), out=sigmas)
    np.copyto(sigmas, 0, where=np.isnan(sigmas) | (np.isnan(said["severity"]) & ~missing))
    return np.asarray(sigmas)


def _most_sigmas(said: Mapping[str, Any], depths: NDArray[np.int64], has_grain: Bools) -> Floats:
    """Return the standard errors that no deviation counts for more than, because of the grain of its measure.

    A sum of few large parts, the minutes by which two planes are late, scatters with the root of its size, however calm it
    was lately. How coarse the parts are is what the median leaf scatters per unit; the roots of sums scatter alike.
    """
    value, expected, missing = said["value"], said["expected"], said["missing"]
    leaves = np.flatnonzero(depths == depths.max(initial=0))[:GRAINS]
    error, size = said["error"][:, leaves], expected[:, leaves]
    scatter = np.square(error) / size
    scatter[~(size > HARDLY * error) | np.isnan(said["severity"][:, leaves])] = np.inf
    middle = np.minimum(np.isfinite(scatter).sum(axis=1, keepdims=True) // 2, max(len(leaves) - 1, 0))
    grain = GRAIN * np.take_along_axis(np.sort(scatter, axis=1), middle, axis=1) if len(leaves) else np.float32(0)
    most = np.sqrt(value)
    most -= np.sqrt(expected)
    np.abs(most, out=most)
    most *= 2
    most /= np.sqrt(np.where(np.isfinite(grain), grain, np.float32(0)))
    np.fmin(most, MOST_SIGMAS, out=most)
    if missing.any() or not has_grain.all():
        np.copyto(most, MOST_SIGMAS, where=missing | ~has_grain)
    return np.asarray(most)


def _is_off_season(point: Mapping[str, Any]) -> Bools:
    """Return which deviations are about as large from the season alone.

    The others only leave a fast prediction that an event had dragged along, or that had run ahead of a slope: the way back.
    """
    deviation = point["value"] - point["expected"]
    return np.asarray((point["value"] - point["usual"]) * np.sign(deviation) >= np.float32(OFF_SEASON) * np.abs(deviation))


def _is_lasting(severity: Floats, lasted: Floats, settings: Settings) -> Bools:
    """Return what has gone on for more than an interval and is, with every hour of it, rare enough to open an incident.

    Long, moderate deviations of measures with heavy tails never reach the sigmas that a single interval needs.
    """
    hours = np.minimum(lasted * np.float32(min(1.0, settings.interval_seconds / 3600)), np.float32(LONGEST_HOURS))
    rarity = rarity_of(np.nan_to_num(severity)) + np.float32(HOURLY_RARITY) * hours
    return np.asarray((lasted >= 1) & (rarity >= math.log10(len(settings.measures) / LASTING_A_WEEK)))


def _needed(point: Mapping[str, Any], turns: Bools, depths: NDArray[np.int64], settings: Settings) -> Floats:
    """Return the standard errors that points need to open an incident: more where they are small or the day begins."""
    missing, is_small = point["missing"], np.abs(point["value"] - point["expected"]) < SMALL_CHANGE * np.abs(point["expected"])
    is_turn = turns & ~missing
    needed = np.where(missing, np.float32(SILENT_SHARE), np.float32(1)) * levels_of(depths, settings)
    needed *= np.where(is_small, np.float32(SMALL_FACTOR), np.float32(1))
    needed *= np.where(is_turn, np.float32(DAY_TURN_FACTOR), np.float32(1))
    is_total = (depths == 0) & ~missing & ~is_small & ~is_turn
    needed[is_total & _is_lasting(point["severity"], point["lasted"], settings)] = 0
    return needed


def levels_of(depths: NDArray[np.int64], settings: Settings) -> Floats:
    """Return the standard errors that nodes of these depths need to open an incident."""
    per_day = max(1.0, 86_400 / settings.interval_seconds)
    levels = np.array(LEVEL_SIGMAS, np.float32) + np.array(PER_DAY_SIGMAS, np.float32) * np.float32(np.log10(per_day))
    levels *= np.float32(np.interp(settings.sensitivity, [0, 50, 100], [1.4, 1.0, 0.7]))
    return np.asarray(levels[np.minimum(depths, len(levels) - 1)])
