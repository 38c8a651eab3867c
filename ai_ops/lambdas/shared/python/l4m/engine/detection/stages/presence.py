"""Stage: which series reported, and which should have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.arrays import range_of
from l4m.engine.detection.state import Array, Memory
from l4m.engine.detection.step import Indices, Point

LARGEST = np.float32(1e18)  # squares and sums stay finite in float32
GONE_DAYS = 2.0  # a series silent for longer has ended; its absence is the new normal
VISITS = 4.0  # times an hour must have been seen before its silence means anything
REGULAR = 0.9  # share of intervals in which an hour must have reported
CHANCE, CHANCE_PER_DAY = 1.0, 0.6  # -log10 of the chance of a silence that is called missing: of a day's, and its growth
STEADY = 0.97  # the same of all hours: one that reports always needs no past of the hour
LEAST_CHANCE = 1e-3  # of one silent interval
PRESENCE_VISITS = 30.0  # memory of the presence of an hour


def attend(point: Point, memory: Memory) -> None:
    """Fill ``present``, ``is_complete``, ``value``, ``seen`` and ``visits``, least and most of both, and ``missing``.

    A series is missing when its silence would hardly come by chance: every silent interval adds -log10 of the share of
    intervals in which this hour used to stay silent.
    """
    point.seen, point.visits = memory.seen[0], memory.visits[point.moment.hour]
    (point.youngest, point.oldest), (point.fewest, point.most) = range_of(point.seen), range_of(point.visits)
    least, most = range_of(point.values)
    point.is_complete, point.present = not math.isnan(least), 1.0
    point.value = point.values if least >= -LARGEST and most <= LARGEST else np.clip(point.values, -LARGEST, LARGEST)
    if not point.is_complete:
        _attend_silence(point, memory)
    elif range_of(memory.absent[0])[1] > 0:
        memory.absent[:] = memory.silence[:] = 0
    _learn_presence(point, memory)


def _attend_silence(point: Point, memory: Memory) -> None:
    is_silent = np.isnan(point.values)
    silent, point.present = is_silent.nonzero()[0], (~is_silent).astype(np.float32)
    point.value[silent] = memory.last[0, silent]
    has_begun, absent = point.seen[silent] > 0, memory.absent[0, silent]
    lately = silent[has_begun & (absent <= GONE_DAYS * point.rates.day)]
    silence = memory.silence[0, lately] + _rarity(point, memory, lately)
    is_rare = silence >= CHANCE + CHANCE_PER_DAY * math.log10(point.rates.per_day)
    point.scores.missing[lately] = is_rare & _is_expected(point, memory, lately)
    memory.absent[:] = memory.silence[:] = 0
    memory.absent[0, silent], memory.silence[0, lately] = (absent + 1) * has_begun, silence


def _rarity(point: Point, memory: Memory, silent: Indices) -> Array:
    """Return -log10 of the share of intervals in which this hour used to stay silent; a short past of an hour proves little."""
    presence, visits = memory.presence[:, silent], point.visits[silent]
    past = np.where(presence.mean(axis=0) > STEADY, point.seen[silent], visits / point.rates.per_hour)
    chance = np.maximum(1 - presence[point.moment.hour], 1 / (past + 2))
    return np.asarray(-np.log10(np.maximum(chance, LEAST_CHANCE)))


def _is_expected(point: Point, memory: Memory, silent: Indices) -> NDArray[np.bool_]:
    known = point.visits[silent] >= VISITS * point.rates.per_hour
    return np.asarray(known & (memory.presence[point.moment.hour, silent] > REGULAR) & (point.moment.holiday == 0))


def _learn_presence(point: Point, memory: Memory) -> None:
    """Count the visit, and move the presence of the hour; a series that has not begun is not absent."""
    if point.moment.holiday == 0:
        longest = PRESENCE_VISITS * point.rates.per_hour
        gain = point.visit_gain(1, longest)
        if not point.is_complete and point.youngest == 0:
            gain = gain * (point.seen + point.present > 0)
        presence = memory.presence[point.moment.hour]
        presence *= 1 - gain
        presence += gain * point.present
    point.visits += point.present
    point.fewest, point.most = point.fewest + point.is_complete, point.most + 1
