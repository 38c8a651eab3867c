"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point
from l4m.engine.stages.compare import LEAST_GROWTH, TINY, TO_SIGMA
from l4m.engine.stages.predict import DAILY

CLIP = 3 * TO_SIGMA  # errors count up to three sigma
REACH = 3 * CLIP  # those of the fast remainder further
WIDE = np.float32(1e30)  # no clip yet
WEEK_VISITS, WEEK_PRIOR = 10.0, 4.0  # longest memory of a phase of the week, and weight of an absent weekly effect
IN_EVENT = 0.3  # how much a point inside an event teaches the level
YOUNG = 5  # points, and
YOUNG_VISITS = 2  # visits of a phase, before errors are clipped
MOST_ZEROS = 0.999
RELATIVE_FLOOR, SPREAD_FLOOR = 0.03, 0.05  # smallest deviation that counts: of the size, of the spread


def learn(point: Point, memory: Memory) -> None:
    """Move everything remembered towards the point; errors are winsorised (Huber) so that no single value decides."""
    if point.youngest == 0:
        first = (point.present > 0) & (point.seen == 0)
        memory.slow[0, first] = point.value[first]
    limit = CLIP * memory.error
    _learn_errors(point, memory, limit)
    if point.moment.phase % point.rates.size_every == 0:
        _learn_size(point, memory)
    if point.youngest < YOUNG:
        limit += WIDE * (point.seen < YOUNG).astype(np.float32)
    if point.fewest < YOUNG_VISITS * point.rates.per_hour:
        limit[DAILY:] += WIDE * (point.visits < YOUNG_VISITS * point.rates.per_hour).astype(np.float32)
    _learn_levels(point, memory, limit)
    _learn_profiles(point, memory, limit)
    memory.last[0] = point.value
    memory.seen[0] += point.present


def _clip(errors: Array, limit: Array) -> Array:
    """Return errors within their limits; takes the limits' place."""
    clipped = np.minimum(errors, limit)
    np.negative(limit, out=limit)
    np.maximum(clipped, limit, out=clipped)
    return np.asarray(clipped)


def _learn_levels(point: Point, memory: Memory, limit: Array) -> None:
    """Move the slow level and the fast remainder by the error of the season that was used."""
    open_ = np.flatnonzero(memory.event[0] != 0)
    season = point.errors[0]
    reach = np.minimum(limit[DAILY], limit[DAILY + 1])
    remainder = _clip(season, reach * (REACH / CLIP))
    remainder -= memory.drift[0]
    remainder *= point.rates.fast
    remainder[open_] = 0
    memory.drift[0] += point.keep_present(remainder)
    level = _clip(season, reach)
    level *= point.gain(point.rates.slow, 2) * (1 - point.moment.holiday)
    level[open_] *= IN_EVENT
    memory.slow[0] += point.keep_present(level)


def _learn_profiles(point: Point, memory: Memory, limit: Array) -> None:
    """Move the phase of the day and of the week by the errors of their seasons."""
    rates, moment = point.rates, point.moment
    daily, weekly = clipped = _clip(point.errors[3:], limit[DAILY:])
    point.keep_present(clipped)
    if moment.holiday:
        clipped *= 1 - moment.holiday
    daily *= _visit_gain(point, rates.per_hour, 1, rates.phase_visits)
    memory.daily[moment.phase] += daily
    if len(memory.weekly) > 1:
        weekly *= _visit_gain(point, rates.per_hour * 7, WEEK_PRIOR, WEEK_VISITS) / rates.per_week_row
        memory.weekly[moment.week] += weekly


def _visit_gain(point: Point, points: float, prior: float, longest: float) -> Array | float:
    """Return 1 / (visits + ``prior``), of so many points each, but at least 1 / ``longest``."""
    if point.fewest >= (longest - prior) * points:
        return 1 / longest
    return np.maximum(1 / (point.visits / points + prior), 1 / longest)


def _learn_errors(point: Point, memory: Memory, limit: Array) -> None:
    gain = point.gain(point.rates.scale, 0) if point.youngest else np.maximum(1 / np.maximum(point.seen, 1), point.rates.scale)
    size = np.abs(point.errors[1:])
    if point.youngest < 2:
        np.minimum(size, limit + WIDE * (point.seen < 2).astype(np.float32), out=size)
    else:
        np.minimum(size, limit, out=size)
    size -= memory.error
    size *= gain
    memory.error += point.keep_present(size)


def _learn_size(point: Point, memory: Memory) -> None:
    """Learn size, centre, spread and share of zeros, and what scales owe to them.

    Where most values are zero, the least scale is the size of the others.
    """
    gain = np.minimum(point.gain(point.rates.scale, 1) * point.rates.size_every, 1)
    size, center, spread, zeros = memory.size[0], memory.center[0], memory.spread[0], memory.zeros[0]
    looks = np.abs(point.value), point.value, np.abs(point.value - center), point.value == 0
    for mean, look in zip((size, center, spread, zeros), looks, strict=True):
        change = look - mean
        change *= gain
        np.add(mean, point.keep_present(change), out=mean)
    sparse = zeros * zeros * size / (1 - np.minimum(zeros, MOST_ZEROS))
    memory.least[0] = TO_SIGMA * np.maximum(np.maximum(RELATIVE_FLOOR * size, SPREAD_FLOOR * spread), sparse) + TINY
    memory.growth[0] = (1 - LEAST_GROWTH) * TO_SIGMA / (size + TINY)
