"""Days: whether the total, added up since midnight, is off as it seldom is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.detection.detector import Detector
from l4m.engine.detection.state import put_under, take_from
from l4m.engine.evidence import LEAVING_SIGMAS, Evidence
from l4m.engine.records import RECENT, SIGMAS, TO_SIGMA, Records, root_of
from l4m.engine.seasonality.seasons import DAY, Seasons
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Direction

LOOKS = 6  # a day: after each of so many equal parts of it the sums since midnight are looked at
LONGEST = 365  # days that are remembered
SHARE = 0.1  # of recent days, that may be as far off
FEWEST = 28  # days before any is told
CHANGE = 0.4  # share of what is usual by then, by which a day has to be off; downwards to what is as much below it
RECORD = 0.5  # of that is enough for the record of recent days
TENTH = 0.1  # of a whole day's sum, which counts as usual even early in the day
WHOLE = 0.7  # of the spread of whole days, which that of a part of a day has at least
PEAK_SHARE = 0.25  # of the largest deviation of its intervals, by which they belong to a day's deviation
SEVERITIES = (70.0, 90.0)  # least and most that a day says: there is one a month and hardly more is known
BROAD, PARTLY = 0.75, 0.5  # share of the total's parts that are off by so much of that share, too
SIDES = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.BOTH: (1, -1)}
LARGEST = np.float32(1e15)  # sums and their squares stay finite in float32
ARRAYS = ("past", "today", "size", "sums", "course")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Look:
    """A day that is off as a whole, so far.

    Attributes
    ----------
    seen : Evidence
        Sums since midnight, of all nodes; strong for the total.
    onset, end : int
        First and last interval of the deviation.
    is_news : bool
        False when a deviation to this side was told of the day already.
    """

    seen: Evidence
    onset: int
    end: int
    is_news: bool


class Days:
    """Adds up what happens since midnight and compares it, several times a day, with the same sums of earlier days.

    What rises slowly is followed by a fast prediction, and in a bad month single intervals are no surprise at all. The sums
    are judged by their season alone, against the spread of all days, and by rank: whatever its distribution, a day among the
    six furthest of sixty is rare. On the flights' year by hour it finds 9 of the 13 known days that single hours do not.

    Parameters
    ----------
    settings : Settings
        What the user chose; only sums are looked at.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self._interval = settings, settings.interval_seconds
        self._seasons = Seasons.of(settings)
        self._measures = np.array([at for at, one in enumerate(settings.measures) if one.aggregation is Aggregation.SUM], np.int64)
        self._daily = replace(settings, interval_seconds=max(DAY, settings.interval_seconds))
        looks, measures = 1 if self._seasons.is_daily else LOOKS, len(self._measures)
        self._detectors = [Detector(self._daily, measures) for _ in range(looks)]
        self._past = np.full((0, looks, measures), np.nan)  # deviation of earlier days at each look
        self._size = np.zeros(measures)  # of a whole day's sum
        self._records = Records(measures)
        self._begin(-DAY, 0, is_whole=False)

    def _begin(self, day: int, first: int, is_whole: bool) -> None:
        """Begin a day; one of which the feed misses a part is not judged."""
        self._day, self._first, self._is_whole = day, first, is_whole
        self._today = np.full(self._past.shape[1:], np.nan)
        self._sums = np.zeros((3, len(self._settings.measures), 0))  # values, what is usual, squared errors
        self._course = np.zeros((len(self._settings.measures), 0))  # deviation of the total, by interval
        self._told: set[int] = set()

    def split(self, start: int, intervals: int) -> Iterator[tuple[slice, bool]]:
        """Yield stretches of intervals that lie in one part of a day, and whether that part ends with them."""
        first, place = 0, self._place(start)
        for at in range(intervals):
            following = self._place(start + (at + 1) * self._interval)
            if following != place or at == intervals - 1:
                yield slice(first, at + 1), following != place
                first, place = at + 1, following

    def _place(self, start: int) -> tuple[int, int]:
        """Return a number of the local day of an interval, and the part of that day."""
        if self._seasons.is_daily:
            return start, 0
        phase = self._seasons.moment(start).phase
        return round((start - phase * self._interval) / DAY), phase * len(self._detectors) // self._seasons.per_day

    def observe(self, depths: NDArray[np.int64], seen: Evidence, start: int, is_end: bool) -> Look | None:
        """Add a stretch of ``split``; at the end of a part of a day, return what is off about the day, if anything.

        ``depths`` says how many dimensions each node keeps.
        """
        total = np.flatnonzero(depths == 0)
        if not len(total) or not len(self._measures):
            return None
        day, part = self._place(start)
        if day != self._day:
            self.turn(start)
        self._add(seen, int(total[0]))
        return self._judge(part, depths) if is_end and self._is_whole else None

    def turn(self, start: int) -> None:
        """Begin a day, or the rest of one; the day before it is remembered if it is over and was whole."""
        day, _ = self._place(start)
        if day != self._day and self._is_whole:
            self._past = np.concatenate([self._past, self._today[np.newaxis]])[-LONGEST:]
        self._begin(day, start, self._seasons.is_daily or self._seasons.moment(start).phase == 0)

    def _add(self, seen: Evidence, total: int) -> None:
        unknown = ~(np.isfinite(seen.value) & np.isfinite(seen.usual))
        terms = [np.clip(one, -LARGEST, LARGEST) for one in (seen.value, seen.usual, seen.error)]
        for term in terms:
            np.copyto(term, 0, where=unknown)
        more = unknown.shape[2] - self._sums.shape[2]
        self._sums = np.pad(self._sums, ((0, 0), (0, 0), (0, more)))
        for at in range(unknown.shape[1]):  # in turn, so that the same comes out however a day is cut into blocks
            value, usual, error = (term[:, at] for term in terms)
            self._sums[0] += value
            self._sums[1] += usual
            self._sums[2] += np.square(error, dtype=np.float64)
        course = terms[0][:, :, total].astype(np.float64) - terms[1][:, :, total]
        self._course = np.concatenate([self._course, course], axis=1)
        self._is_whole &= not seen.missing[:, :, total].any()

    def _judge(self, part: int, depths: NDArray[np.int64]) -> Look | None:
        """Compare the day so far with other days."""
        total = int(np.flatnonzero(depths == 0)[0])
        value = self._sums[0, self._measures, total]
        scores = self._detectors[part].step(value.astype(np.float32), self._first)
        usual = scores.usual.astype(np.float64)
        away = np.where(np.isnan(scores.severity), np.nan, root_of(value) - root_of(usual))
        self._today[part] = away
        record = np.zeros(len(value), np.int64)
        if part == len(self._detectors) - 1:
            record = self._records.observe(value)
            self._size += (np.abs(value) - self._size) / min(len(self._past) + 1, RECENT)
        if len(self._past) < FEWEST or self._seasons.moment(self._first).holiday:
            return None
        scale = usual / np.maximum(np.abs(self._sums[1, self._measures, total]), 1e-9)
        is_record = record * np.sign(away) > 0
        change = CHANGE * np.where(is_record, RECORD, 1.0)
        off = (self._is_rare(part, away) | is_record) & self._is_large(value, usual, change)
        off &= self._is_broad(depths == min(1, depths.max()), PARTLY * change * np.sign(away), scale)
        for side in SIDES[self._settings.direction]:
            which = np.flatnonzero(off & (np.sign(away) == side))
            if len(which):
                return self._look(which, side, scores.severity, total)
        return None

    def _is_rare(self, part: int, away: Floats) -> Bools:
        """Return which deviations are far, against all days, and further than nearly all of the last."""
        with np.errstate(all="ignore"):
            spread = TO_SIGMA * np.nanmedian(np.abs(self._past[:, [part, -1]]), axis=0)
        needed = SIGMAS * float(np.interp(self._settings.sensitivity, [0, 50, 100], [1.4, 1.0, 0.7]))
        recent = self._past[-RECENT:, part]
        as_far = np.where(away > 0, recent >= away, recent <= away).sum(axis=0)
        return np.asarray((np.abs(away) >= needed * np.fmax(spread[0], WHOLE * spread[1])) & (as_far < np.floor(SHARE * len(recent))))

    def _is_large(self, value: Floats, usual: Floats, change: Floats) -> Bools:
        """Return which deviations are as large as the user wants them, and no trifle of the day, even without their largest interval."""
        share = np.maximum(change, self._settings.minimum_relative)
        size = np.maximum(np.minimum(np.abs(value), np.abs(usual)), TENTH * self._size)
        least = np.maximum(np.maximum(share * size, self._settings.minimum_absolute), 1e-9)
        course = self._course[self._measures] * np.sign(value - usual)[:, np.newaxis]
        peak = course.max(axis=1) if course.shape[1] > 1 else 0.0
        return np.asarray(np.abs(value - usual) - np.maximum(peak, 0.0) >= least)

    def _is_broad(self, parts: Bools, change: Floats, scale: Floats) -> Bools:
        """Return which deviations most of the total's parts share, each weighed by the root of its size: no single part makes a day.

        A part shares one that is off by ``change`` of what is usual for it, to the side of its sign. What is usual for the parts,
        hour by hour, follows a bad day sooner than what is usual for a day; ``scale`` corrects it.
        """
        value, usual = self._sums[0, self._measures][:, parts], self._sums[1, self._measures][:, parts] * scale[:, np.newaxis]
        weight = np.sqrt(np.abs(usual))
        shares = np.sign(change)[:, np.newaxis] * (value - usual) >= np.abs(change[:, np.newaxis] * usual)
        return np.asarray((weight * shares).sum(axis=1) >= BROAD * weight.sum(axis=1))

    def _look(self, which: NDArray[np.int64], side: int, severity: NDArray[np.float32], total: int) -> Look:
        """Return the sums of the day as evidence of what is off to one side."""
        measures = self._measures[which]
        value, usual, error = self._sums[0], self._sums[1], np.maximum(np.sqrt(self._sums[2]), 1e-12)
        sigmas, severities = (value - usual) / error, np.zeros(value.shape)
        sigmas[measures, total] = side * np.maximum(np.abs(sigmas[measures, total]), LEAVING_SIGMAS)
        severities[measures, total] = np.clip(severity[which], *SEVERITIES)
        strong = severities > 0
        value, usual, error, severities, sigmas = (one.astype(np.float32) for one in (value, usual, error, severities, sigmas))
        none, needed = np.zeros(strong.shape, np.bool_), np.zeros(strong.shape, np.float32)
        signs = severities, sigmas, strong, strong.copy(), none
        seen = Evidence(value, usual, usual, usual, error, usual, *signs, needed, beside=needed, kin=needed, odd=none)
        spans = np.array([_span(side * self._course[measure]) for measure in measures])
        onset, end = (self._first + int(at) * self._interval for at in (spans[:, 0].min(), spans[:, 1].max()))
        is_news = side not in self._told
        self._told.add(side)
        return Look(seen, onset, end, is_news)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything that was learned, by name."""
        arrays = {name: np.ascontiguousarray(getattr(self, f"_{name}")) for name in ARRAYS} | {"records": self._records.past}
        arrays["day"] = np.array([self._day, self._first, self._is_whole, 1 in self._told, -1 in self._told], np.int64)
        for part, one in enumerate(self._detectors):
            arrays |= put_under(f"{part}.", one.to_arrays())
        return arrays

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what ``to_arrays`` returned."""
        for name in ARRAYS:
            setattr(self, f"_{name}", arrays[name])
        self._records.past = arrays["records"]
        self._day, self._first = int(arrays["day"][0]), int(arrays["day"][1])
        self._is_whole, self._told = bool(arrays["day"][2]), {side for side, told in zip((1, -1), arrays["day"][3:], strict=True) if told}
        for part in range(len(self._detectors)):
            self._detectors[part] = Detector.from_arrays(self._daily, take_from(f"{part}.", arrays))


def _span(course: Floats) -> tuple[int, int]:
    """Return the first and the last of the intervals in a row that make up most of a deviation.

    >>> _span(np.array([-1.0, 1.0, 8.0, 1.0, 6.0, -5.0, 0.0]))
    (2, 4)
    """
    sums = np.r_[0.0, np.cumsum(course - PEAK_SHARE * course.max(initial=0.0))]
    last = int((sums - np.minimum.accumulate(sums))[1:].argmax())
    return int(sums[: last + 1].argmin()), last
