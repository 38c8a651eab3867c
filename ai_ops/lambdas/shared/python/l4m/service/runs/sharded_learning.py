"""The steps of learning in shards: each may be repeated or ended anywhere, and then goes the same way again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.engine.block import Block
from l4m.engine.detection.state import put_under, take_from
from l4m.engine.shards import Nodes, Shard, ShardMerger, Sums
from l4m.service.context import Context
from l4m.service.runs.detection import Progress, settings_of
from l4m.service.runs.learning import LearningJob, work
from l4m.service.runs.planning import cut
from l4m.service.runs.reading import CATCH_UP_INTERVALS, Reading, read_history, read_intervals, request_intervals
from l4m.sources.source import Span
from l4m.store.bucket import Bucket
from l4m.store.parts import Parts, Plan
from l4m.store.series import SavedState, SeriesStore

SLICES_AT_ONCE = 8  # that one invocation takes the joined monitor through

Event = Mapping[str, Any]
Step = dict[str, Any]
OVER: Step = {"status": "OVER"}  # the detector has failed, or has taken another order


def learn_shard(context: Context, event: Event) -> Step:
    """Learn the leaves of one shard up to the split, and keep values and sums slice by slice."""
    return _do(context, event, lambda learning, parts: _learn_shard(learning, parts, event["shard"]))


def join(context: Context, event: Event) -> Step:
    """Make one monitor of all shards; returns what ``advance`` goes on from."""
    return _do(context, event, _join)


def advance(context: Context, event: Event) -> Step:
    """Take the joined monitor through the next slices; after the last one the detector is ready, or the backtest complete."""
    return _do(context, event, lambda learning, parts: _advance(learning, parts, event["progress"]))


def clear(context: Context, event: Event) -> Step:
    """Remove what the steps handed to each other."""
    Parts(Bucket(context.clients.client("s3"), context.bucket), event["parts"]).purge()
    return OVER


def _do(context: Context, event: Event, step: Callable[[LearningJob, Parts], Step]) -> Step:
    order = event["order"]

    def do(learning: LearningJob) -> Step:
        return step(learning, Parts(learning.job.bucket, event["parts"]))

    return work(order["task"], context, order["detector"], order["generation"], do) or OVER


def _learn_shard(learning: LearningJob, parts: Parts, number: int) -> Step:
    plan = parts.plan()
    starts = learning.job.timeline.stretch(plan.start, plan.intervals)
    columns = plan.columns[number]
    known = columns[columns < plan.known]
    shard = Shard(_nodes(learning, plan), known)
    for piece, values in _values(learning, plan, number, starts):
        learning.require()
        first, _ = plan.slices[piece]
        arrays: dict[str, NDArray[Any]] = {"values": values} if first >= plan.kept_from else {}
        if first < plan.split:
            sums = shard.observe(values[:, :, : len(known)], starts[first])
            arrays |= put_under("sums.", vars(sums))
        parts.save_slice(piece, number, arrays)
    parts.save_learned(number, shard.learned())
    return {"status": "LEARNED"}


def _values(learning: LearningJob, plan: Plan, number: int, starts: list[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The slices with the values of a shard's leaves, in the plan's order; a leaf that came since is left for live runs."""
    place = {plan.leaves[leaf]: column for column, leaf in enumerate(plan.columns[number].tolist())}
    for first, block in _blocks(learning, plan, number, starts):
        found = [place.get(leaf, -1) for leaf in block.leaves]
        there = [column for column, at in enumerate(found) if at >= 0]
        for piece, (begin, end) in enumerate(plan.slices):
            if first <= begin < first + block.values.shape[1]:
                values = np.full((len(block.values), end - begin, len(place)), np.nan, np.float32)
                values[:, :, [found[column] for column in there]] = block.values[:, begin - first : end - first, there]
                yield piece, values


def _blocks(learning: LearningJob, plan: Plan, number: int, starts: list[int]) -> Iterator[tuple[int, Block]]:
    """A shard's part of the history, then of the live intervals, each with the number of its first interval."""
    job = learning.job
    shard = (number, plan.shards)
    if plan.history:
        history = read_history(job, Span(starts[0], job.timeline.after(starts[plan.history - 1])), shard)
        if history is not None:
            yield 0, history.block
    live = starts[plan.history :]
    ticket = request_intervals(job, live)
    for begin, end in cut(0, len(live), CATCH_UP_INTERVALS):
        yield plan.history + begin, read_intervals(job, live[begin:end], ticket, shard).block


def _join(learning: LearningJob, parts: Parts) -> Step:
    plan = parts.plan()
    timeline = learning.job.timeline
    nodes = _nodes(learning, plan)
    starts = timeline.stretch(plan.start, plan.intervals)
    merger = ShardMerger(nodes)
    for piece, (first, end) in enumerate(plan.slices):
        learning.require()
        if first < plan.split:
            found = [parts.load_slice(piece, number) for number in range(plan.shards)]
            sums = Sums.of([Sums(**take_from("sums.", one)) for one in found])
            merger.learn(sums, starts[first])
            if first >= plan.kept_from:
                values = _assemble(plan, found)[:, :, : plan.known]
                learning.progress.history = learning.progress.history.extend(
                    starts[first:end], tuple(nodes.cube.nodes), nodes.spread(values, sums)
                )
                learning.save_pages()
    for number, columns in enumerate(plan.columns):
        merger.take(columns[columns < plan.known], parts.load_learned(number))
    learning.progress.monitor = merger.monitor(plan.observed)
    if plan.task == "backtest":
        learning.evaluate(starts[plan.scored :])
    return _hand_on(learning, parts, plan, plan.split)


def _advance(learning: LearningJob, parts: Parts, progress: Event) -> Step:
    plan = parts.plan()
    timeline = learning.job.timeline
    starts = timeline.stretch(plan.start, plan.intervals)
    state = _states(learning, parts).load(progress["state"])
    learning.progress = Progress.resume(state)
    pieces = [piece for piece, (first, _) in enumerate(plan.slices) if first >= progress["next"]][:SLICES_AT_ONCE]
    for piece in pieces:
        first, end = plan.slices[piece]
        values = _assemble(plan, [parts.load_slice(piece, number) for number in range(plan.shards)])
        block = Block(starts[first], values, plan.leaves)
        learning.observe(Reading(tuple(starts[first:end]), block), is_scored=first >= plan.scored)
    end = plan.slices[pieces[-1]][1]
    if end < plan.intervals:
        return _hand_on(learning, parts, plan, end)
    if plan.task == "backtest":
        learning.complete(timeline.after(starts[-1]))
    else:
        learning.open(timeline.after(starts[-1]))
    return {"status": "DONE"}


def _hand_on(learning: LearningJob, parts: Parts, plan: Plan, reached: int) -> Step:
    """Keep the joined monitor where the next step finds it."""
    progress = learning.progress
    state = SavedState(progress.monitor.save(), progress.history, open_incidents=progress.open_incidents)
    return {"status": "MORE", "state": _states(learning, parts).save(reached, state), "next": reached}


def _states(learning: LearningJob, parts: Parts) -> SeriesStore:
    return SeriesStore(learning.job.bucket, parts.prefix)


def _nodes(learning: LearningJob, plan: Plan) -> Nodes:
    """The nodes that are known at the split."""
    return Nodes(settings_of(learning.job.detector, learning.job.metric_set), plan.leaves[: plan.known])


def _assemble(plan: Plan, found: list[dict[str, NDArray[Any]]]) -> NDArray[np.float32]:
    """The values of all leaves from those of the shards."""
    values = np.empty((*found[0]["values"].shape[:2], len(plan.leaves)), np.float32)
    for columns, one in zip(plan.columns, found, strict=True):
        values[:, :, columns] = one["values"]
    return values
