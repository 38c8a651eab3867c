"""Stage: which series reported, and which should have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import range_of
from l4m.engine.detection.state import Array, DetectorState
from l4m.engine.detection.step import Indices, Step

LARGEST = np.float32(1e18)  # squares and sums stay finite in float32
GONE_DAYS = 2.0  # a series silent for longer has ended; its absence is the new normal
VISITS = 4.0  # times an hour must have been seen before its silence means anything
REGULAR = 0.9  # share of intervals in which an hour must have reported
CHANCE, CHANCE_PER_DAY = 1.0, 0.6  # -log10 of the chance of a silence that is called missing: of a day's, and its growth
STEADY = 0.97  # the same of all hours: one that reports always needs no past of the hour
LEAST_CHANCE = 1e-3  # of one silent interval
PRESENCE_VISITS = 30.0  # memory of the presence of an hour


def track_presence(step: Step, state: DetectorState) -> None:
    """Fill ``present``, ``is_complete``, ``value``, ``seen`` and ``visits``, least and most of both, and ``missing``.

    A series is missing when its silence would hardly come by chance: every silent interval adds -log10 of the share of
    intervals in which this hour used to stay silent.
    """
    step.seen, step.visits = state.seen[0], state.visits[step.moment.hour]
    (step.youngest, step.oldest), (step.fewest, step.most) = range_of(step.seen), range_of(step.visits)
    least, most = range_of(step.values)
    step.is_complete, step.present = not math.isnan(least), 1.0
    step.value = step.values if least >= -LARGEST and most <= LARGEST else np.clip(step.values, -LARGEST, LARGEST)
    if not step.is_complete:
        _attend_silence(step, state)
    elif range_of(state.absent[0])[1] > 0:
        state.absent[:] = state.silence[:] = 0
    _learn_presence(step, state)


def _attend_silence(step: Step, state: DetectorState) -> None:
    is_silent = np.isnan(step.values)
    silent, step.present = is_silent.nonzero()[0], (~is_silent).astype(np.float32)
    step.value[silent] = state.last[0, silent]
    has_begun, absent = step.seen[silent] > 0, state.absent[0, silent]
    lately = silent[has_begun & (absent <= GONE_DAYS * step.rates.day)]
    silence = state.silence[0, lately] + _rarity(step, state, lately)
    is_rare = silence >= CHANCE + CHANCE_PER_DAY * math.log10(step.rates.per_day)
    step.scores.missing[lately] = is_rare & _is_expected(step, state, lately)
    state.absent[:] = state.silence[:] = 0
    state.absent[0, silent], state.silence[0, lately] = (absent + 1) * has_begun, silence


def _rarity(step: Step, state: DetectorState, silent: Indices) -> Array:
    """Return -log10 of the share of intervals in which this hour used to stay silent; a short past of an hour proves little."""
    presence, visits = state.presence[:, silent], step.visits[silent]
    past = np.where(presence.mean(axis=0) > STEADY, step.seen[silent], visits / step.rates.per_hour)
    chance = np.maximum(1 - presence[step.moment.hour], 1 / (past + 2))
    return np.asarray(-np.log10(np.maximum(chance, LEAST_CHANCE)))


def _is_expected(step: Step, state: DetectorState, silent: Indices) -> NDArray[np.bool_]:
    known = step.visits[silent] >= VISITS * step.rates.per_hour
    return np.asarray(known & (state.presence[step.moment.hour, silent] > REGULAR) & (step.moment.holiday == 0))


def _learn_presence(step: Step, state: DetectorState) -> None:
    """Count the visit, and move the presence of the hour; a series that has not begun is not absent."""
    if step.moment.holiday == 0:
        longest = PRESENCE_VISITS * step.rates.per_hour
        gain = step.visit_gain(1, longest)
        if not step.is_complete and step.youngest == 0:
            gain = gain * (step.seen + step.present > 0)
        presence = state.presence[step.moment.hour]
        presence *= 1 - gain
        presence += gain * step.present
    step.visits += step.present
    step.fewest, step.most = step.fewest + step.is_complete, step.most + 1
