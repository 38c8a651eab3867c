"""Bringing a metric set's data here: the history whole, live intervals as their files arrive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from l4m.engine.block import Block
from l4m.errors import Fault, InvalidInput
from l4m.model import MetricSet
from l4m.service.access import open_source
from l4m.service.runs.data_quality import describe_quality
from l4m.service.runs.detector_job import DetectorJob
from l4m.sources.source import Source, Span, Ticket
from l4m.sources.tables.block_reader import count_leaves, empty_block, read_block
from l4m.sources.tables.leaf_census import Population
from l4m.sources.tables.read_report import ReadReport
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.value_grid import CELL_LIMIT

CATCH_UP_INTERVALS = 168  # live intervals that are learned from at a time
VALUES_PER_MB = 40_000  # that are read at once; what else learning needs grows with them

T = TypeVar("T")
Shard = tuple[int, int]  # its number, and how many there are


@dataclass(frozen=True)
class Reading:
    """Consecutive intervals with their values, and what there is to say about the rows they came from."""

    starts: tuple[int, ...]
    block: Block
    completeness: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    left_out: int = 0  # series that are beyond the quota

    def part(self, first: int, last: int) -> Reading:
        """Some of the intervals."""
        starts = self.starts[first:last]
        return Reading(starts, self.block.part(starts[0], first, last))

    def within(self, most_series: int, known: Collection[tuple[str, ...]]) -> Reading:
        """The same without new series that would be more than the quota allows; those that are watched stay."""
        room = most_series // len(self.block.values) - len(known)
        watched = set(known)
        fresh = [column for column, leaf in enumerate(self.block.leaves) if leaf not in watched]
        if len(fresh) <= max(0, room):
            return self
        gone = set(fresh[max(0, room) :])
        kept = [column for column in range(len(self.block.leaves)) if column not in gone]
        block = Block(self.block.start, self.block.values[:, :, kept], tuple(self.block.leaves[column] for column in kept))
        return replace(self, block=block, left_out=len(gone) * len(self.block.values))


def read_history(job: DetectorJob, span: Span | None = None, shard: Shard | None = None) -> Reading | None:
    """All of the history, or a span of it; None when the metric set's source has none.

    Of a detector that one function cannot learn, a shard within a span can be read; else that raises TooLarge.
    """
    ticket = _request_history(job, span)
    if ticket is None:
        return None
    most = None if shard else job.context.environment.series_at_once
    block, report = _read(job, ticket, span or Span(), shard, most)
    starts = job.timeline.stretch(block.start, block.values.shape[1])
    return Reading(tuple(starts), block, _completeness(ticket, report), describe_quality(job, starts[0], report))


def count_history(job: DetectorJob) -> tuple[Population, Mapping[str, Any]] | None:
    """The leaves of the history and the quality of its data; None when the metric set's source has none."""
    ticket = _request_history(job, None)
    if ticket is None:
        return None
    population, report = _fetch(job, ticket, lambda paths, names: count_leaves(paths, spec_of(job), names=names))
    return population, describe_quality(job, population.start, report)


def read_catch_up(job: DetectorJob, first: int | None) -> Iterator[Reading]:
    """Live intervals from ``first`` on (None: wherever they begin) up to the last that has come and is due by now."""
    due, ticket = list_catch_up(job, first)
    for begin in range(0, len(due), CATCH_UP_INTERVALS):
        yield read_intervals(job, due[begin : begin + CATCH_UP_INTERVALS], ticket)


def list_catch_up(job: DetectorJob, first: int | None) -> tuple[list[int], Ticket]:
    """The same intervals, and their files."""
    timeline = job.timeline
    if not source_of(job).has_news():
        return [], Ticket({})
    if first is None:
        first = timeline.before(timeline.floor(int(job.context.now.timestamp())), CATCH_UP_INTERVALS)
    due = timeline.due(first, int(job.context.now.timestamp()), 1_000_000)
    ticket = request_intervals(job, due)
    present = [number for number, start in enumerate(due) if ticket.has(start)]
    return due[: present[-1] + 1] if present else [], ticket


def values_at_once(job: DetectorJob) -> int:
    """How many values one function has room for."""
    return VALUES_PER_MB * job.context.environment.memory_mb


def request_intervals(job: DetectorJob, starts: Sequence[int]) -> Ticket:
    """Ask for the files of live intervals."""
    if not starts:
        return Ticket({})
    span = Span(min(starts), job.timeline.after(max(starts)), {start: job.timeline.local(start) for start in starts})
    return source_of(job).request(span, spec_of(job), f"{job.detector.generation}")


def read_intervals(job: DetectorJob, starts: Sequence[int], ticket: Ticket, shard: Shard | None = None) -> Reading:
    """The values of consecutive intervals; one without files has none."""
    wanted = ticket.only(starts)
    if not wanted.listed:
        return nothing_read(job, starts)
    block, report = _read(job, wanted, Span(starts[0], job.timeline.after(starts[-1])), shard)
    return Reading(tuple(starts), block, _completeness(wanted, report), describe_quality(job, starts[0], report))


def count_intervals(job: DetectorJob, starts: Sequence[int], ticket: Ticket) -> Population:
    """The leaves of consecutive intervals, the first of which begins the span that is counted from."""
    spec = spec_of(job)
    end = job.timeline.after(starts[-1])
    wanted = ticket.only(starts)
    return _fetch(job, wanted, lambda paths, names: count_leaves(paths, spec, starts[0], end, names=names))[0]


def nothing_read(job: DetectorJob, starts: Sequence[int], error: str = "") -> Reading:
    """Intervals in which nothing arrived."""
    block = empty_block(spec_of(job), starts[0], len(starts))
    return Reading(tuple(starts), block, {"files": 0, "rows": 0, "invalidRows": 0}, {}, error)


def spec_of(job: DetectorJob) -> TableSpec:
    """How the rows of a detector's metric set become values."""
    return source_of(job).spec(_table_spec(job.metric_set))


def source_of(job: DetectorJob) -> Source:
    """What reads the metric set's source."""
    return open_source(job.context, job.metric_set.source)


def _table_spec(metric_set: MetricSet) -> TableSpec:
    if metric_set.timestamp is None:
        raise InvalidInput(Fault("TimestampColumn", f"{metric_set.name} names no column of times"))
    return TableSpec(
        timestamp=metric_set.timestamp,
        measures=metric_set.measures,
        interval_seconds=metric_set.frequency.seconds,
        dimensions=metric_set.dimensions,
        timezone=metric_set.timezone,
        filters=metric_set.filters,
    )


def _request_history(job: DetectorJob, span: Span | None) -> Ticket | None:
    source = source_of(job)
    extent = source.extent()
    if extent is None:
        return None
    return source.request(span or extent, spec_of(job), f"{job.detector.generation}")


def _read(job: DetectorJob, ticket: Ticket, span: Span, shard: Shard | None, most_series: int | None = None) -> tuple[Block, ReadReport]:
    spec = replace(spec_of(job), shard=shard)
    most = CELL_LIMIT if shard else values_at_once(job)
    return _fetch(
        job,
        ticket,
        lambda paths, names: read_block(paths, spec, span.first, span.end, names=names, cell_limit=most, series_limit=most_series),
    )


def _fetch(job: DetectorJob, ticket: Ticket, read: Callable[[Sequence[Path], Sequence[str]], T]) -> T:
    """What ``read`` makes of files, while they are here."""
    with TemporaryDirectory() as folder:
        delivered = source_of(job).deliver(ticket, Path(folder))
        return read([one.path for one in delivered], [one.name for one in delivered])


def _completeness(ticket: Ticket, report: ReadReport) -> dict[str, int]:
    return {"files": len(ticket.listed), "rows": report.rows, "invalidRows": report.rows_invalid}
