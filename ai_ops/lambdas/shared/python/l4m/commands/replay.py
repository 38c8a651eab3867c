"""A block replayed through a monitor in pieces, as live runs would have seen it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from l4m.commands.point_files import PointFiles
from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import REASONS, Incident
from l4m.sources.tables.intervals import DAY, Clock

PIECES = 40  # steps of the progress bar


def replay(
    monitor: Monitor,
    block: Block,
    clock: Clock,
    points: PointFiles | None,
    progress: Callable[[int], None],
    *,
    reasons: Counter[str] | None = None,
) -> list[Incident]:
    """Let the monitor observe all of a block; return the incidents as they stand in the end.

    ``reasons`` is filled with how many anomalous points there are of each reason why they are, or are not, told.
    """
    incidents: dict[str, Incident] = {}
    first = clock.from_even(block.start)
    intervals = block.values.shape[1]
    for begin, end in _pieces(intervals, clock):
        piece = block.part(clock.even_start(first + begin), begin, end)
        outcome = monitor.observe(piece, keep_points=points is not None or reasons is not None)
        incidents.update({one.id: one for one in outcome.incidents})
        if points is not None and outcome.points is not None:
            starts = np.array([clock.start(number) for number in range(first + begin, first + end)], np.int64)
            points.append(outcome.points, starts)
        if reasons is not None and outcome.points is not None:
            counts = np.bincount(outcome.points.reason.ravel(), minlength=len(REASONS)).tolist()
            reasons.update({reason: count for reason, count in zip(REASONS[1:], counts[1:], strict=True) if count})
        progress(end)
    return [_on_clock(one, clock) for one in incidents.values()]


def _pieces(intervals: int, clock: Clock) -> Iterator[tuple[int, int]]:
    step = 1 if clock.interval_seconds == DAY and not clock.is_utc else max(1, -(-intervals // PIECES))
    for begin in range(0, intervals, step):
        yield begin, min(begin + step, intervals)


def _on_clock(incident: Incident, clock: Clock) -> Incident:
    """The monitor counts in even steps; days of 23 and 25 hours and months are none, so put its ends on their intervals."""
    start, end = (clock.start(clock.from_even(moment)) for moment in (incident.start, incident.end))
    return replace(incident, start=start, end=end)
