"""Stage: which series reported, and which should have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Array, Memory
from l4m.engine.point import Point

LARGEST = np.float32(1e18)  # squares and sums stay finite in float32
GONE_DAYS = 2.0  # a series silent for longer has ended; its absence is the new normal
VISITS = 4.0  # times an hour must have been seen before its silence means anything
REGULAR = 0.9  # share of intervals in which an hour must have reported
CHANCE, CHANCE_PER_DAY = 1.0, 0.6  # -log10 of the chance of a silence that is called missing: of a day's, and its growth
STEADY = 0.97  # the same of all hours: one that reports always needs no past of the hour
LEAST_CHANCE = 1e-3  # of one silent interval
PRESENCE_VISITS = 30.0  # memory of the presence of an hour


def attend(point: Point, memory: Memory) -> None:
    """Fill ``present``, ``is_complete``, ``value``, ``seen``, ``youngest``, ``visits``, ``fewest`` and ``missing``.

    A series is missing when its silence would hardly come by chance: every silent interval adds -log10 of the share of
    intervals in which this hour used to stay silent.
    """
    arrived = point.values == point.values
    point.is_complete = bool(arrived.all())
    point.present, point.seen = arrived.astype(np.float32), memory.seen[0]
    point.youngest = float(point.seen.min()) if len(arrived) else 0.0
    point.value = np.minimum(point.values, LARGEST)
    np.maximum(point.value, -LARGEST, out=point.value)
    point.visits = memory.visits[point.moment.hour]
    if point.is_complete:
        point.scores.missing[:] = False
        memory.absent.fill(0)
        memory.silence.fill(0)
    else:
        np.copyto(point.value, memory.last[0], where=~arrived)
        np.logical_and(~arrived, _is_expected(point, memory), out=point.scores.missing)
        _learn_silence(point, memory)
    point.fewest = float(point.visits.min()) if len(arrived) else 0.0
    _learn_presence(point, memory)


def _is_expected(point: Point, memory: Memory) -> NDArray[np.bool_]:
    presence, visits = memory.presence[point.moment.hour], point.visits
    known = (visits >= VISITS * point.rates.per_hour) & (memory.absent[0] <= GONE_DAYS * point.rates.day) & (presence > REGULAR)
    steady = memory.presence.mean(axis=0) > STEADY
    past = np.where(steady, point.seen, visits / point.rates.per_hour)  # a short past of an hour proves little by itself
    chance = np.maximum(np.maximum(1 - presence, 1 / (past + 2)), LEAST_CHANCE)
    memory.silence[0] -= np.log10(chance) * (1 - point.present)
    needed = CHANCE + CHANCE_PER_DAY * math.log10(point.rates.per_day)
    return np.asarray(known & (memory.silence[0] >= needed) & (point.moment.holiday == 0))


def _learn_silence(point: Point, memory: Memory) -> None:
    still = (1 - point.present) * _has_begun(point)
    memory.absent[0] += 1
    memory.absent[0] *= still
    memory.silence[0] *= still


def _learn_presence(point: Point, memory: Memory) -> None:
    if point.moment.holiday == 0:
        presence = memory.presence[point.moment.hour]
        change = point.present - presence
        longest = PRESENCE_VISITS * point.rates.per_hour
        change *= 1 / longest if point.fewest > longest else np.maximum(1 / (point.visits + 1), 1 / longest)
        if point.youngest == 0:
            change *= _has_begun(point)
        presence += change
    point.visits += point.present


def _has_begun(point: Point) -> Array:
    """Return 1 for series of which something was seen, else 0."""
    return (point.seen + point.present > 0).astype(np.float32)
