"""Stage: which series reported, and which should have."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from l4m.engine.memory import Memory
from l4m.engine.point import Point

LARGEST = 1e18  # squares and sums stay finite in float32
GONE_DAYS = 2.0  # a series silent for longer has ended; its absence is the new normal
VISITS = 4.0  # times an hour must have been seen before its silence means anything
REGULAR = 0.9  # share of intervals in which an hour must have reported
CHANCE, CHANCE_PER_DAY = 1.0, 0.6  # -log10 of the chance of a silence that is called missing: of a day's, and its growth
STEADY = 0.97  # the same of all hours: one that reports always needs no past of the hour
LEAST_CHANCE = 1e-3  # of one silent interval
PRESENCE_VISITS = 30.0  # memory of the presence of an hour


def attend(point: Point, memory: Memory) -> None:
    """Fill ``present``, ``value``, ``seen``, ``youngest`` and ``missing``.

    A series is missing when its silence would hardly come by chance: every silent interval adds -log10 of the share of
    intervals in which this hour used to stay silent.
    """
    arrived = point.values == point.values
    present = arrived.astype(np.float32)
    value = np.fmax(np.fmin(point.values, LARGEST), -LARGEST)
    point.present, point.value, point.seen = present, value, memory.seen[0]
    point.youngest = float(point.seen.min()) if len(present) else 0.0
    if arrived.all():
        point.missing = np.zeros(len(present), np.bool_)
    else:
        value *= present
        value += (1 - present) * memory.last[0]
        point.missing = ~arrived & _is_expected(point, memory)
    _learn_presence(point, memory)


def _is_expected(point: Point, memory: Memory) -> NDArray[np.bool_]:
    presence, visits = memory.presence[point.moment.hour], memory.visits[point.moment.hour]
    known = (visits >= VISITS * point.rates.per_hour) & (memory.absent[0] <= GONE_DAYS * point.rates.day) & (presence > REGULAR)
    steady = memory.presence.mean(axis=0) > STEADY
    past = np.where(steady, point.seen, visits / point.rates.per_hour)  # a short past of an hour proves little by itself
    chance = np.maximum(np.maximum(1 - presence, 1 / (past + 2)), LEAST_CHANCE)
    memory.silence[0] -= np.log10(chance) * (1 - point.present)
    needed = CHANCE + CHANCE_PER_DAY * math.log10(point.rates.per_day)
    return np.asarray(known & (memory.silence[0] >= needed) & (point.moment.holiday == 0))


def _learn_presence(point: Point, memory: Memory) -> None:
    presence, visits, absent = memory.presence[point.moment.hour], memory.visits[point.moment.hour], memory.absent[0]
    absent += 1
    absent *= 1 - point.present
    memory.silence[0] *= 1 - point.present
    change = point.present - presence
    if len(visits) and visits.min() <= PRESENCE_VISITS * point.rates.per_hour:
        change *= np.maximum(1 / (visits + 1), 1 / (PRESENCE_VISITS * point.rates.per_hour))
    else:
        change *= 1 / (PRESENCE_VISITS * point.rates.per_hour)
    if point.youngest == 0:
        began = (point.seen + point.present > 0).astype(np.float32)
        absent *= began
        memory.silence[0] *= began
        change *= began
    if point.moment.holiday == 0:
        presence += change
    visits += point.present
