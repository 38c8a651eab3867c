"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.combine import LEAST_GROWTH, TINY, TO_SIGMA
from l4m.engine.detection.stages.forecast import DAILY
from l4m.engine.detection.state import Array, Memory
from l4m.engine.detection.step import Gain, Point

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
    limits = point.room.limits
    _learn_errors(point, memory, limits)
    if point.moment.phase % point.rates.size_every == 0:
        _learn_size(point, memory)
    if point.youngest < YOUNG:
        limits += WIDE * (point.seen < YOUNG).astype(np.float32)
    if point.fewest < YOUNG_VISITS * point.rates.per_hour:
        limits += WIDE * (point.visits < YOUNG_VISITS * point.rates.per_hour).astype(np.float32)
    _learn_levels(point, memory, limits)
    _learn_profiles(point, memory, limits)
    memory.last[0] = point.value
    memory.seen[0] += point.present


def _clip(errors: Array, limit: Array, out: Array) -> Array:
    """Return errors within their limits; turns the limits' sign."""
    np.minimum(errors, limit, out=out)
    np.negative(limit, out=limit)
    return np.maximum(out, limit, out=out)


def _learn_levels(point: Point, memory: Memory, limits: Array) -> None:
    """Move the slow level and the fast remainder by the error of the season that was used."""
    season = point.room.errors[0]
    reach, wide, moved, _ = point.room.scratch
    np.minimum(limits[0], limits[1], out=reach)
    remainder = _clip(season, np.multiply(reach, REACH / CLIP, out=wide), out=moved)
    remainder -= memory.drift[0]
    remainder *= point.rates.fast
    remainder[point.open] = 0
    memory.drift[0] += point.keep_present(remainder)
    level = _clip(season, reach, out=moved)
    level *= point.gain(point.rates.slow, 2, weight=1 - point.moment.holiday)
    level[point.open] *= IN_EVENT
    memory.slow[0] += point.keep_present(level)


def _learn_profiles(point: Point, memory: Memory, limits: Array) -> None:
    """Move the phase of the day and of the week by the errors of their seasons."""
    rates, moment = point.rates, point.moment
    gain = point.visit_gain(rates.per_hour, rates.phase_visits * rates.per_hour, weight=rates.per_hour)
    _learn_phase(point, 0, limits[0], gain, memory.daily[moment.phase])
    if len(memory.weekly) > 1:
        week = rates.per_hour * 7
        gain = point.visit_gain(WEEK_PRIOR * week, WEEK_VISITS * week, weight=week / rates.per_week_row)
        _learn_phase(point, 1, limits[1], gain, memory.weekly[moment.week])


def _learn_phase(point: Point, season: int, limit: Array, gain: Gain, profile: Array) -> None:
    """Move one phase of a season's profile by the season's error."""
    change = _clip(point.room.errors[3 + season], limit, out=point.room.scratch[0])
    point.keep_present(change)
    if point.moment.holiday:
        change *= 1 - point.moment.holiday
    change *= gain
    profile += change


def _learn_errors(point: Point, memory: Memory, limits: Array) -> None:
    """Move the running errors, and fill how far errors count: the last two are kept, those of the seasons."""
    size, limit, *_ = point.room.scratch
    gain = point.gain(point.rates.scale, 0)
    gain = gain if point.youngest else np.minimum(gain, 1)
    for row, (error, now) in enumerate(zip(memory.error, point.room.errors[1:], strict=True)):
        limit = np.multiply(error, CLIP, out=limits[row - DAILY] if row >= DAILY else limit)
        np.abs(now, out=size)
        fresh = np.flatnonzero(error == 0)  # what never erred has no limit yet: any multiple of nothing is nothing, for ever
        first = size[fresh]
        np.minimum(size, limit, out=size)
        size[fresh] = first
        size -= error
        size *= gain
        np.add(error, point.keep_present(size), out=error)


def _learn_size(point: Point, memory: Memory) -> None:
    """Learn size, centre, spread and share of zeros, and what scales owe to them."""
    means, rows = (memory.size[0], memory.center[0], memory.spread[0], memory.zeros[0]), point.room.scratch
    gain = point.gain(point.rates.scale, 1, weight=point.rates.size_every)
    gain = np.minimum(gain, 1) if point.youngest < point.rates.size_every else gain
    size, away = np.abs(point.value, out=rows[0]), np.subtract(point.value, memory.center[0], out=rows[2])
    np.abs(away, out=away)
    looks = size, point.value, away, np.equal(point.value, 0, out=rows[3])
    for mean, look, row in zip(means, looks, rows, strict=True):
        change = np.subtract(look, mean, out=row)
        change *= gain
        np.add(mean, point.keep_present(change), out=mean)
    _settle_scales(memory, rows)


def _settle_scales(memory: Memory, scratch: tuple[Array, ...]) -> None:
    """Say what scales owe to the size; where most values are zero, the least scale is the size of the others."""
    size, zeros = memory.size[0], memory.zeros[0]
    sparse, spread, share, _ = scratch
    np.minimum(zeros, MOST_ZEROS, out=sparse)
    np.subtract(1, sparse, out=sparse)
    np.divide(size, sparse, out=sparse)
    sparse *= zeros
    sparse *= zeros
    np.multiply(memory.spread[0], SPREAD_FLOOR, out=spread)
    np.multiply(size, RELATIVE_FLOOR, out=share)
    np.maximum(share, spread, out=share)
    np.maximum(share, sparse, out=share)
    share *= TO_SIGMA
    np.add(share, TINY, out=memory.least[0])
    np.add(size, TINY, out=share)
    np.divide((1 - LEAST_GROWTH) * TO_SIGMA, share, out=memory.growth[0])
