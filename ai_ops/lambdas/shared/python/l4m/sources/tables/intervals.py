"""Which interval a time falls into, on the clock of a timezone with its daylight saving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from math import gcd
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from l4m.errors import Fault, InvalidInput

DAY = 86_400
WEEK = 7 * 86_400
FEWEST_SLOTS = 12  # of an interval: how finely it is known when in it rows came
ZONE_STEP = 900  # all offsets from UTC in use are multiples of a quarter of an hour
NONE = -(2**31)
_FIRST_YEAR = 1900
_LAST_YEAR = 2200

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Clock:
    """Numbers intervals: each is one integer, consecutive intervals have consecutive numbers.

    Intervals begin at multiples of their length on the zone's standard clock, whole days at the zone's midnight; a day
    may therefore last 23 or 25 hours. Times are handled in slots of ``slot_seconds``, which never straddle intervals.
    """

    interval_seconds: int
    timezone: str = "UTC"

    @property
    def slot_seconds(self) -> int:
        """A grid on which every interval of every zone begins, fine enough to tell a whole interval from one that has only begun."""
        coarsest = gcd(self.interval_seconds, ZONE_STEP)
        fitting = (coarsest // parts for parts in range(1, coarsest + 1) if coarsest % parts == 0)
        return next(seconds for seconds in fitting if seconds * FEWEST_SLOTS <= self.interval_seconds or seconds == 1)

    def start(self, number: int) -> int:
        """Epoch second at which an interval begins."""
        if self._is_daily:
            return int(self._to_utc(np.array([number * self.interval_seconds]))[0][0])
        return number * self.interval_seconds + self._phase

    def number(self, moment: int) -> int:
        """The interval that holds an epoch second."""
        return int(self._numbers(np.array([moment]))[0])

    def range(self, start: int, end: int) -> tuple[int, int]:
        """The intervals of the half-open [start, end): the first, and the one after the last."""
        first = self.number(start)
        last = self.number(end - 1) + 1 if end > start else first
        return first, last

    def even_start(self, number: int) -> int:
        """Epoch second of an interval's begin for who counts in steps of ``interval_seconds``."""
        return self.start(number)

    def from_even(self, moment: int) -> int:
        """The interval that is meant by a begin that was counted so; days of 23 and 25 hours shift it by less than half a day."""
        return self.number(moment + self.interval_seconds // 2)

    def slots(self, first: int, count: int, is_utc: bool) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The interval of each slot, and a second one for local times that occur twice (else ``NONE``).

        Local times that never occur are read with the offset that held before the gap, as Java does.
        """
        seconds = np.arange(first, first + count, dtype=np.int64) * self.slot_seconds
        if is_utc:
            return self._numbers(seconds).astype(np.int32), np.full(count, NONE, np.int32)
        once, again = self._to_utc(seconds)
        numbers = self._numbers(once)
        others = self._numbers(again)
        return numbers.astype(np.int32), np.where(others == numbers, NONE, others).astype(np.int32)

    @property
    def is_utc(self) -> bool:
        """Whether local times are UTC."""
        return len(self._changes[0]) == 1 and self._changes[1][0] == 0

    @property
    def _is_daily(self) -> bool:
        return self.interval_seconds % DAY == 0

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidInput(Fault("timezone", f"{self.timezone!r} is not a known timezone")) from error

    @cached_property
    def _phase(self) -> int:
        moment = datetime(2020, 1, 1, tzinfo=self._zone)
        standard = (moment.utcoffset() or timedelta()) - (moment.dst() or timedelta())
        return -int(standard.total_seconds()) % self.interval_seconds

    def is_skipped(self, slots: Integers) -> NDArray[np.bool_]:
        """Whether slots of local time never occur, as clocks were put forward over them."""
        moments, offsets = self._changes
        local = slots * self.slot_seconds
        piece = np.searchsorted(np.append(moments[1:] + offsets[:-1], 2**40), local, "right")
        skipped: NDArray[np.bool_] = (local < moments[piece] + offsets[piece]) & (piece > 0)
        return skipped

    @property
    def _changes(self) -> tuple[Integers, Integers]:
        return _changes_of(self._zone)

    def _numbers(self, utc: Integers) -> Integers:
        if not self._is_daily:
            return (utc - self._phase) // self.interval_seconds
        moments, offsets = self._changes
        return (utc + offsets[np.searchsorted(moments, utc, "right") - 1]) // self.interval_seconds

    def _to_utc(self, local: Integers) -> tuple[Integers, Integers]:
        """Both readings of local seconds; they differ where a clock was put back."""
        moments, offsets = self._changes
        ends = np.append(moments[1:] + offsets[:-1], 2**40)
        piece = np.searchsorted(ends, local, "right")
        in_gap = (local < moments[piece] + offsets[piece]) & (piece > 0)
        once = local - offsets[piece - in_gap]
        following = np.minimum(piece + 1, len(moments) - 1)
        twice = (following > piece) & (local >= moments[following] + offsets[following])
        return once, np.where(twice, local - offsets[following], once)


def _epoch(year: int) -> int:
    return (date(year, 1, 1) - date(1970, 1, 1)).days * DAY


def bounds(slot_seconds: int) -> tuple[int, int]:
    """The slots of the years that are taken seriously; anything outside is a broken timestamp."""
    return _epoch(_FIRST_YEAR) // slot_seconds, _epoch(_LAST_YEAR) // slot_seconds


@cache
def _changes_of(zone: ZoneInfo) -> tuple[Integers, Integers]:
    """Moments at which a zone's offset from UTC changes, and the offset that holds from each; found once per process."""
    weeks = range(_epoch(_FIRST_YEAR), _epoch(_LAST_YEAR) + WEEK, WEEK)
    found = [_offset(zone, moment) for moment in weeks]
    ends = [number for number in range(1, len(found)) if found[number] != found[number - 1]]
    moments = [_find_change(zone, weeks[number - 1], weeks[number]) for number in ends]
    offsets = [found[number].total_seconds() for number in (0, *ends)]
    return np.array([-(2**40), *moments], np.int64), np.array(offsets, np.int64)


def _find_change(zone: ZoneInfo, low: int, high: int) -> int:
    before = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: int) -> timedelta:
    return datetime.fromtimestamp(moment, zone).utcoffset() or timedelta()
