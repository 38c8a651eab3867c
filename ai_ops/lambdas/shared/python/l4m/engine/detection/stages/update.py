"""Stage: update levels, seasons and scales with the point, as far as it is trusted."""

from __future__ import annotations

import numpy as np

from l4m.engine.detection.stages.combine import LEAST_GROWTH, TINY, TO_SIGMA
from l4m.engine.detection.stages.forecast import DAILY
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Gain, Step

CLIP = 3 * TO_SIGMA  # errors count up to three sigma
REACH = 3 * CLIP  # those of the fast remainder further
WIDE = np.float32(1e30)  # no clip yet
WEEK_VISITS, WEEK_PRIOR = 10.0, 4.0  # longest memory of a phase of the week, and weight of an absent weekly effect
IN_EVENT = 0.3  # how much a point inside an event teaches the level
FIRST_WEEK = 7.0  # visits of an hour, until which only the day is learned: what a day lacks is not the week's
YOUNG = 5  # points, and
YOUNG_VISITS = 2  # visits of a phase, before errors are clipped
MOST_ZEROS = 0.999
RELATIVE_FLOOR, SPREAD_FLOOR = 0.03, 0.05  # smallest deviation that counts: of the size, of the spread


def update(step: Step, state: DetectorState) -> None:
    """Move everything remembered towards the point; errors are winsorised (Huber) so that no single value decides."""
    if step.youngest == 0:
        first = (step.present > 0) & (step.seen == 0)
        state.slow[0, first] = step.value[first]
    limits = step.workspace.limits
    _learn_errors(step, state, limits)
    if step.moment.phase % step.rates.size_every == 0:
        _learn_size(step, state)
    if step.youngest < YOUNG:
        limits += WIDE * (step.seen < YOUNG).astype(np.float32)
    if step.fewest < YOUNG_VISITS * step.rates.per_hour:
        limits += WIDE * (step.visits < YOUNG_VISITS * step.rates.per_hour).astype(np.float32)
    _learn_levels(step, state, limits)
    _learn_profiles(step, state, limits)
    state.last[0] = step.value
    state.seen[0] += step.present


def _clip(errors: Array, limit: Array, out: Array) -> Array:
    """Return errors within their limits; turns the limits' sign."""
    np.minimum(errors, limit, out=out)
    np.negative(limit, out=limit)
    return np.maximum(out, limit, out=out)


def _learn_levels(step: Step, state: DetectorState, limits: Array) -> None:
    """Move the slow level and the fast remainder by the error of the season that was used."""
    season = step.workspace.errors[0]
    reach, wide, moved, _ = step.workspace.scratch
    np.minimum(limits[0], limits[1], out=reach)
    remainder = _clip(season, np.multiply(reach, REACH / CLIP, out=wide), out=moved)
    remainder -= state.drift[0]
    remainder *= step.rates.fast
    remainder[step.open] = 0
    state.drift[0] += step.keep_present(remainder)
    level = _clip(season, reach, out=moved)
    level *= step.gain(step.rates.slow, 2, weight=1 - step.moment.holiday)
    level[step.open] *= IN_EVENT
    state.slow[0] += step.keep_present(level)


def _learn_profiles(step: Step, state: DetectorState, limits: Array) -> None:
    """Move the phase of the day and of the week by the errors of their seasons."""
    rates, moment = step.rates, step.moment
    gain = step.visit_gain(rates.per_hour, rates.phase_visits * rates.per_hour, weight=rates.per_hour)
    _learn_phase(step, 0, limits[0], gain, state.daily[moment.phase])
    first = FIRST_WEEK * rates.per_hour
    if len(state.weekly) > 1 and step.most > first:
        week = rates.per_hour * 7
        gain = step.visit_gain(WEEK_PRIOR * week, WEEK_VISITS * week, weight=week / rates.per_week_row)
        if step.fewest <= first:
            gain = gain * (step.visits > first).astype(np.float32)
        _learn_phase(step, 1, limits[1], gain, state.weekly[moment.week])


def _learn_phase(step: Step, season: int, limit: Array, gain: Gain, profile: Array) -> None:
    """Move one phase of a season's profile by the season's error."""
    change = _clip(step.workspace.errors[3 + season], limit, out=step.workspace.scratch[0])
    step.keep_present(change)
    if step.moment.holiday:
        change *= 1 - step.moment.holiday
    change *= gain
    profile += change


def _learn_errors(step: Step, state: DetectorState, limits: Array) -> None:
    """Move the running errors, and fill how far errors count: the last two are kept, those of the seasons."""
    size, limit, *_ = step.workspace.scratch
    gain = step.gain(step.rates.scale, 0)
    gain = gain if step.youngest else np.minimum(gain, 1)
    for row, (error, now) in enumerate(zip(state.error, step.workspace.errors[1:], strict=True)):
        limit = np.multiply(error, CLIP, out=limits[row - DAILY] if row >= DAILY else limit)
        np.abs(now, out=size)
        fresh = np.flatnonzero(error == 0)  # what never erred has no limit yet: any multiple of nothing is nothing, for ever
        first = size[fresh]
        np.minimum(size, limit, out=size)
        size[fresh] = first
        size -= error
        size *= gain
        np.add(error, step.keep_present(size), out=error)


def _learn_size(step: Step, state: DetectorState) -> None:
    """Learn size, centre, spread and share of zeros, and what scales owe to them."""
    means, rows = (state.size[0], state.center[0], state.spread[0], state.zeros[0]), step.workspace.scratch
    gain = step.gain(step.rates.scale, 1, weight=step.rates.size_every)
    gain = np.minimum(gain, 1) if step.youngest < step.rates.size_every else gain
    size, away = np.abs(step.value, out=rows[0]), np.subtract(step.value, state.center[0], out=rows[2])
    np.abs(away, out=away)
    looks = size, step.value, away, np.equal(step.value, 0, out=rows[3])
    for mean, look, row in zip(means, looks, rows, strict=True):
        change = np.subtract(look, mean, out=row)
        change *= gain
        np.add(mean, step.keep_present(change), out=mean)
    _settle_scales(state, rows)


def _settle_scales(state: DetectorState, scratch: tuple[Array, ...]) -> None:
    """Say what scales owe to the size; where most values are zero, the least scale is the size of the others."""
    size, zeros = state.size[0], state.zeros[0]
    sparse, spread, share, _ = scratch
    np.minimum(zeros, MOST_ZEROS, out=sparse)
    np.subtract(1, sparse, out=sparse)
    np.divide(size, sparse, out=sparse)
    sparse *= zeros
    sparse *= zeros
    np.multiply(state.spread[0], SPREAD_FLOOR, out=spread)
    np.multiply(size, RELATIVE_FLOOR, out=share)
    np.maximum(share, spread, out=share)
    np.maximum(share, sparse, out=share)
    share *= TO_SIGMA
    np.add(share, TINY, out=state.least[0])
    np.add(size, TINY, out=share)
    np.divide((1 - LEAST_GROWTH) * TO_SIGMA, share, out=state.growth[0])
