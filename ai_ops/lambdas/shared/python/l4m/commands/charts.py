"""Lines and bands as SVG paths: arrays in, coordinates out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 860, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    """A place on the chart that tells about itself when pointed at."""

    x: float
    y: float
    width: float
    text: str
    is_anomaly: bool


@dataclass(frozen=True)
class Chart:
    """Everything that the page draws of one series."""

    actual: str
    expected: str
    band: str
    event_x: float
    event_width: float
    times: list[Tick]
    values: list[Tick]
    dots: list[Dot]


@dataclass(frozen=True)
class Scale:
    """From intervals and values to places on the chart."""

    count: int
    low: float
    high: float

    def x(self, index: Floats) -> Floats:
        """Places of interval numbers."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (np.asarray(index) + 0.5) / self.count

    def y(self, value: Floats) -> Floats:
        """Places of values."""
        share = (np.asarray(value, float) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * np.clip(share, -0.02, 1.02)

    @property
    def step(self) -> float:
        """Width of one interval."""
        return (WIDTH - LEFT - RIGHT) / self.count


def draw(times: list[datetime], series: dict[str, Floats], event: tuple[int, int]) -> Chart:
    """The chart of one series: arrays ``value``, ``expected``, ``lower``, ``upper``, ``is_anomaly``; ``event`` is its first and last."""
    scale = _scale(series, len(times))
    index = np.arange(len(times), dtype=float)
    left = LEFT + scale.step * event[0]
    return Chart(
        actual=_path(scale, index, series["value"]),
        expected=_path(scale, index, series["expected"]),
        band=_band(scale, index, series["lower"], series["upper"]),
        event_x=round(left, 1),
        event_width=round(scale.step * (event[1] - event[0] + 1), 1),
        times=list(_time_ticks(times, scale)),
        values=[Tick(round(float(scale.y(np.array(value))), 1), say_number(value)) for value in _round_values(scale)],
        dots=_dots(times, series, scale),
    )


def say_number(value: float) -> str:
    """A number in as few characters as it takes."""
    if not np.isfinite(value):
        return "none"
    value = 0.0 if abs(value) < 1e-9 else value
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):,.4g}{unit}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _scale(series: dict[str, Floats], count: int) -> Scale:
    seen = np.concatenate([series[name][np.isfinite(series[name])] for name in ("value", "expected")])
    upper = series["upper"][np.isfinite(series["upper"])]
    high = max(seen.max(initial=0.0), min(upper.max(initial=0.0), 2 * seen.max(initial=0.0)))
    low = seen.min(initial=0.0)
    return Scale(max(count, 1), float(low), float(high if high > low else low + 1.0))


def _path(scale: Scale, index: Floats, values: Floats) -> str:
    pieces = []
    for run in _runs(np.isfinite(values)):
        points = zip(scale.x(index[run]), scale.y(values[run]), strict=True)
        text = "L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        pieces.append(f"M{text}" + ("h0.1" if run.stop - run.start == 1 else ""))
    return "".join(pieces)


def _band(scale: Scale, index: Floats, lower: Floats, upper: Floats) -> str:
    pieces = []
    for run in _runs(np.isfinite(lower) & np.isfinite(upper)):
        there = [f"{x:.1f},{y:.1f}" for x, y in zip(scale.x(index[run]), scale.y(upper[run]), strict=True)]
        back = [f"{x:.1f},{y:.1f}" for x, y in zip(scale.x(index[run]), scale.y(lower[run]), strict=True)]
        pieces.append("M" + "L".join(there + back[::-1]) + "Z")
    return "".join(pieces)


def _runs(present: NDArray[np.bool_]) -> Iterator[slice]:
    edge = np.diff(np.r_[0, present.astype(np.int8), 0])
    for begin, end in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True):
        yield slice(int(begin), int(end))


def _round_values(scale: Scale) -> list[float]:
    rough = (scale.high - scale.low) / 4
    size = 10.0 ** np.floor(np.log10(rough))
    step = float(next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough))
    first = np.ceil(scale.low / step) * step
    return [float(value) + 0.0 for value in np.arange(first, scale.high + step * 1e-6, step)]


def _time_ticks(times: list[datetime], scale: Scale) -> Iterator[Tick]:
    days = [number for number, time in enumerate(times) if number == 0 or time.date() != times[number - 1].date()]
    is_daily = len(days) == len(times)
    marks = days[1:] if len(days) > 2 and not is_daily else list(range(len(times)))
    every = max(1, -(-len(marks) // 9))
    for number in marks[::every]:
        place = float(scale.x(np.array(float(number)))) - (scale.step / 2 if len(days) > 2 and not is_daily else 0)
        yield Tick(round(place, 1), f"{times[number]:%d %b}" if len(days) > 2 else f"{times[number]:%H:%M}")


def _dots(times: list[datetime], series: dict[str, Floats], scale: Scale) -> list[Dot]:
    xs = scale.x(np.arange(len(times), dtype=float))
    shown = np.where(np.isfinite(series["value"]), series["value"], series["expected"])
    ys = np.nan_to_num(scale.y(shown), nan=HEIGHT - BOTTOM)
    return [
        Dot(
            round(float(x), 1),
            round(float(y), 1),
            round(scale.step, 2),
            _say_point(times[n], series, n),
            bool(series["is_anomaly"][n] == 1),
        )
        for n, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]


def _say_point(time: datetime, series: dict[str, Floats], n: int) -> str:
    value, expected, lower, upper = (say_number(float(series[name][n])) for name in ("value", "expected", "lower", "upper"))
    return f"{time:%a %d %b %Y %H:%M}\nactual {value}\nexpected {expected} ({lower} to {upper})"
