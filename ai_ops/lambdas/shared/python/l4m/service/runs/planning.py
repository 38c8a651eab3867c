"""What learning goes by: slices of intervals, the quota, and the plan of a detector that is too large for one function."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from l4m.errors import Fault, InvalidInput
from l4m.service.runs.data_quality import split_quality
from l4m.service.runs.detector_job import DetectorJob
from l4m.service.runs.publication import WINDOW_INTERVALS
from l4m.service.runs.reading import CATCH_UP_INTERVALS, count_history, count_intervals, list_catch_up, values_at_once
from l4m.sources.tables.leaf_census import Population
from l4m.store.parts import Plan

SLICE_INTERVALS = 168
TRAINING_SHARE = 0.7
FEWEST_BACKTEST_INTERVALS = 285
JOINED_SECONDS = 7 * 86_400  # that the joined monitor sees at least: an incident from before is forgotten by then
MOST_SHARDS = 1_000


def require_quota(job: DetectorJob, combinations: int) -> None:
    """Raise InvalidInput when so many leaves are more than the quota."""
    most = job.context.environment.most_series
    measures = len(job.metric_set.measures)
    if measures * combinations > most:
        counted = f"{measures * combinations:,} series ({measures} measures of {combinations:,} combinations of dimension values)"
        raise InvalidInput(Fault("DimensionList", f"{counted} are more than the quota MaxSeries of {most:,}"))


def kept_from(intervals: int) -> int:
    """From which of so many intervals on values are kept while they are learned."""
    return max(0, intervals - WINDOW_INTERVALS - SLICE_INTERVALS)


def split_backtest(intervals: int) -> int:
    """How many of the history's intervals a backtest learns from."""
    if intervals < FEWEST_BACKTEST_INTERVALS:
        message = f"the history has {intervals} intervals, a backtest needs {FEWEST_BACKTEST_INTERVALS}"
        raise InvalidInput(Fault("HistoricalDataPathList", message))
    return int(TRAINING_SHARE * intervals)


def cut(first: int, last: int, step: int = SLICE_INTERVALS) -> list[tuple[int, int]]:
    """Slices of at most ``step`` intervals.

    >>> cut(0, 400)
    [(0, 168), (168, 336), (336, 400)]
    """
    return list(pairwise([*range(first, last, step), last]))


def plan_learning(job: DetectorJob) -> Plan:
    """Count what there is to learn from, and divide it."""
    counted = count_history(job)
    timeline = job.timeline
    first = None
    parts = []
    if counted is not None:
        parts.append(counted[0])
        job.runs.describe_learning(counted[1])
        first = timeline.stretch(counted[0].start, len(counted[0].occupied) + 1)[-1]
    history = sum(len(part.occupied) for part in parts)
    due, ticket = list_catch_up(job, first)
    parts += [count_intervals(job, due[begin:end], ticket) for begin, end in cut(0, len(due), CATCH_UP_INTERVALS)]
    slices = cut(0, history) + cut(history, history + len(due))
    end = slices[-1][1]
    split = max((begin for begin, _ in slices if begin <= end - _joined(job)), default=0)
    return _plan(job, "learn", parts, slices, history=history, split=split, scored=end, kept=kept_from(history))


def plan_backtest(job: DetectorJob) -> Plan:
    """The same for a backtest; the joined monitor sees some of what comes before the part that is scored."""
    counted = count_history(job)
    if counted is None:
        raise LookupError(f"{job.detector.name} has no history")
    population, quality = counted
    intervals = len(population.occupied)
    scored = split_backtest(intervals)
    starts = job.timeline.stretch(population.start, intervals)
    job.runs.describe_learning(split_quality(quality, starts, scored))
    split = max(0, scored - _joined(job))
    slices = cut(0, split) + cut(split, scored) + cut(scored, intervals)
    return _plan(job, "backtest", [population], slices, history=intervals, split=split, scored=scored, kept=kept_from(scored))


def _joined(job: DetectorJob) -> int:
    """Intervals that the joined monitor learns itself, at least."""
    return max(SLICE_INTERVALS, JOINED_SECONDS // job.timeline.seconds)


def _plan(
    job: DetectorJob,
    task: str,
    populations: Sequence[Population],
    slices: Sequence[tuple[int, int]],
    *,
    history: int,
    split: int,
    scored: int,
    kept: int,
) -> Plan:
    appeared, hashes = _gather(populations)
    leaves = sorted(appeared, key=lambda leaf: (appeared[leaf], leaf))
    require_quota(job, len(leaves))
    series = len(leaves) * len(job.metric_set.measures)
    occupied = np.concatenate([one.occupied for one in populations])
    shards = _count_shards(job, series, len(occupied))
    at_once = job.context.environment.series_at_once
    step = max(1, min(SLICE_INTERVALS, SLICE_INTERVALS * at_once // series))  # as many values as the largest slice of one function
    return Plan(
        task=task,
        start=populations[0].start,
        history=history,
        slices=tuple(piece for begin, end in slices for piece in (cut(begin, end, step) if begin >= kept else [(begin, end)])),
        split=split,
        scored=scored,
        kept_from=min(kept, split),
        observed=int(occupied[:split].sum()),
        shards=shards,
        known=sum(appeared[leaf] < split for leaf in leaves),
        leaves=tuple(leaves),
        owners=tuple(hashes[leaf] % shards for leaf in leaves),
    )


def _gather(populations: Sequence[Population]) -> tuple[dict[tuple[str, ...], int], dict[tuple[str, ...], int]]:
    """The first interval of each leaf, counted over all populations, and its hash."""
    appeared: dict[tuple[str, ...], int] = {}
    hashes: dict[tuple[str, ...], int] = {}
    begin = 0
    never = sum(len(one.occupied) for one in populations)
    for one in populations:
        first = np.where(one.first < len(one.occupied), begin + one.first, never).tolist()
        for leaf, moment, mark in zip(one.leaves, first, one.hashes.tolist(), strict=True):
            appeared[leaf] = min(moment, appeared.get(leaf, never))
            hashes[leaf] = mark
        begin += len(one.occupied)
    return appeared, hashes


def _count_shards(job: DetectorJob, series: int, intervals: int) -> int:
    at_once = job.context.environment.series_at_once
    values = values_at_once(job)
    if series * intervals > MOST_SHARDS * values:
        size = f"{intervals:,} intervals x {series:,} series"
        raise InvalidInput(Fault("data", f"{size} are more than {MOST_SHARDS * values:,} values; is a timestamp far off?"))
    return max(-(-series // at_once), -(-series * intervals // values))
