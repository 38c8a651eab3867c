"""Whether data comes as often as was stated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from l4m.errors import Fault, InvalidInput
from l4m.model import Frequency
from l4m.sources.tables.intervals import DAY, Clock
from l4m.sources.tables.remedies import setting
from l4m.sources.tables.table_spec import SERVICE_NAMES, TableSpec

_LONG_RUN = 12  # alike gaps in a row that are no accident
_MOST = 0.6  # share of the gaps that says what is usual
_FEWEST = 3  # gaps that are looked at
_MONTHS = {1: (28, 31), 2: (59, 62), 3: (89, 92), 6: (181, 184), 12: (365, 366)}  # number of months -> days they may have

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Step:
    """What lies between rows: so many seconds, or calendar months."""

    seconds: int = 0
    months: int = 0

    def __str__(self) -> str:
        if self.months:
            return {1: "month", 3: "quarter", 12: "year"}.get(self.months, f"{self.months} months")
        for unit, length in (("day", DAY), ("hour", 3_600), ("minute", 60)):
            if self.seconds % length == 0:
                return f"{self.seconds // length} {unit}" + ("s" if self.seconds != length else "")
        return f"{self.seconds} seconds"

    def is_longer(self, other: Step) -> bool:
        """Whether this step is clearly more than another."""
        return self._days > 1.25 * other._days

    @property
    def _days(self) -> float:
        return self.months * 30.4 if self.months else self.seconds / DAY

    @property
    def interval(self) -> str:
        """The interval as it is written; nothing where none is accepted."""
        if self.months:
            return f"P{self.months}M"
        if self.seconds % DAY == 0:
            return f"P{self.seconds // DAY}D"
        if DAY % self.seconds:
            return ""
        unit, length = next((unit, length) for unit, length in (("H", 3_600), ("M", 60), ("S", 1)) if self.seconds % length == 0)
        return f"PT{self.seconds // length}{unit}"


def check_regular(occupied: NDArray[np.bool_], first: int, clock: Clock, name: str, spec: TableSpec) -> None:
    """Refuse data of a longer interval than stated, wholly or in a part of it.

    ``occupied`` tells the intervals of ``clock`` with rows from ``first`` on; of an interval of several days or months, days.

    Nights, weekends and outages leave gaps too; what gives a longer interval away is that most gaps are alike, or many in a row are.
    """
    present = np.flatnonzero(occupied) + first
    found = find_step(present, clock.interval_seconds)
    stated = Step(months=spec.interval_months) if spec.interval_months else Step(spec.interval_seconds)
    if found is None or not found[0].is_longer(stated):
        return
    step, start, count = found
    since = np.datetime64(clock.start(int(present[start])), "s")
    is_known = spec.setting_names is not SERVICE_NAMES or step.interval in tuple(Frequency)
    advice = setting("interval", step.interval, spec) if step.interval and is_known else ""
    message = f"{name}: rows come every {step} from {since} UTC on ({count} times), not every {stated}"
    raise InvalidInput(Fault("interval", message + (f"; {advice}" if advice else "")))


def find_step(present: Integers, interval_seconds: int) -> tuple[Step, int, int] | None:
    """What lies between most rows, or between many in a row, if that is more than an interval; since which row, and for how many.

    ``present`` are the numbers of the intervals with rows, ascending.

    >>> days = np.array([np.datetime64(f"2024-{month:02d}-28").astype(int) for month in range(1, 13)])
    >>> str(find_step(days, DAY)[0]), str(find_step(np.arange(0, 70, 7), DAY)[0])
    ('month', '7 days')
    """
    gaps = np.diff(present)
    if not len(gaps):
        return None
    kinds = np.array([_kind(int(gap), interval_seconds) for gap in gaps])
    begins = np.r_[0, np.flatnonzero(np.diff(kinds) != 0) + 1]
    lengths = np.diff(np.r_[begins, len(kinds)])
    lengths[gaps[begins] == 1] = 0
    longest = int(np.argmax(lengths))
    if lengths[longest] >= min(_LONG_RUN, max(len(gaps), 2)):
        begin = int(begins[longest])
        length = int(lengths[longest])
        return _step(gaps[begin : begin + length], interval_seconds), begin, length + 1
    values, counts = np.unique(kinds, return_counts=True)
    usual = int(values[np.argmax(counts)])
    if len(gaps) >= _FEWEST and usual != 1 and counts.max() >= _MOST * len(gaps):
        return _step(gaps[kinds == usual], interval_seconds), int(np.argmax(kinds == usual)), int(counts.max()) + 1
    return None


def _kind(gap: int, interval_seconds: int) -> int:
    """A gap in intervals; gaps of calendar months, which differ, are all minus their number of months."""
    days = gap * interval_seconds / DAY
    return next((-months for months, (fewest, most) in _MONTHS.items() if fewest - 0.5 <= days <= most + 0.5), gap)


def _step(gaps: Integers, interval_seconds: int) -> Step:
    """The step of gaps of one kind: months if they are as long as months and not all alike."""
    kind = _kind(int(gaps[0]), interval_seconds)
    is_even = len(gaps) > _FEWEST and (gaps == gaps[0]).all()
    return Step(months=-kind) if kind < 0 and not is_even else Step(seconds=int(gaps[0]) * interval_seconds)
