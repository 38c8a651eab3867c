"""Bringing a metric set's data here: the history whole, live intervals as their files arrive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from l4m.engine.block import Block
from l4m.errors import Fault, InvalidInput
from l4m.model import MetricSet, S3Source
from l4m.service.access import user_client
from l4m.service.runs.data_quality import describe_quality
from l4m.service.runs.detector_job import DetectorJob
from l4m.sources.paths import fixed_part
from l4m.sources.s3 import S3File, download, list_history, list_intervals, list_under
from l4m.sources.tables.block_reader import count_leaves, empty_block, read_block
from l4m.sources.tables.leaf_census import Population
from l4m.sources.tables.read_report import ReadReport
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.value_grid import CELL_LIMIT

CATCH_UP_INTERVALS = 168  # live intervals that are learned from at a time
VALUES_PER_MB = 40_000  # that are read at once; what else learning needs grows with them

T = TypeVar("T")
Files = dict[int, tuple[S3File, ...]]
Span = tuple[int | None, int | None]  # epoch seconds, half-open
ALL: Span = (None, None)
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


def read_history(job: DetectorJob, span: Span = ALL, shard: Shard | None = None) -> Reading | None:
    """All that lies under the historical path; None when the metric set has no such path.

    Of a detector that one function cannot learn, a shard within a span can be read; else that raises TooLarge.
    """
    files = _history_files(job)
    if files is None:
        return None
    most = None if shard else job.context.environment.series_at_once
    block, report = _read(job, files, span, shard, most)
    starts = job.timeline.stretch(block.start, block.values.shape[1])
    return Reading(tuple(starts), block, _completeness(files, report), describe_quality(job, starts[0], report))


def count_history(job: DetectorJob) -> tuple[Population, Mapping[str, Any]] | None:
    """The leaves of the history and the quality of its data; None when the metric set has no historical path."""
    files = _history_files(job)
    if files is None:
        return None
    population, report = _fetch(job, files, lambda paths, names: count_leaves(paths, spec_of(job.metric_set), names=names))
    return population, describe_quality(job, population.start, report)


def read_catch_up(job: DetectorJob, first: int | None) -> Iterator[Reading]:
    """Live intervals from ``first`` on (None: wherever they begin) up to the last that has come and is due by now."""
    due, files = list_catch_up(job, first)
    for begin in range(0, len(due), CATCH_UP_INTERVALS):
        yield read_intervals(job, due[begin : begin + CATCH_UP_INTERVALS], files)


def list_catch_up(job: DetectorJob, first: int | None) -> tuple[list[int], Files]:
    """The same intervals, and their files."""
    source = source_of(job.metric_set)
    timeline = job.timeline
    if not source.templated_path:
        return [], {}
    client = user_client(job.context, source.role_arn, "s3")
    if next(list_under(client, fixed_part(source.templated_path)), None) is None:
        return [], {}
    if first is None:
        first = timeline.before(timeline.floor(int(job.context.now.timestamp())), CATCH_UP_INTERVALS)
    due = timeline.due(first, int(job.context.now.timestamp()), 1_000_000)
    files = list_files(job, due)
    present = [number for number, start in enumerate(due) if files[start]]
    return due[: present[-1] + 1] if present else [], files


def values_at_once(job: DetectorJob) -> int:
    """How many values one function has room for."""
    return VALUES_PER_MB * job.context.environment.memory_mb


def list_files(job: DetectorJob, starts: Sequence[int]) -> Files:
    """The files of live intervals."""
    source = source_of(job.metric_set)
    if not source.templated_path:
        return dict.fromkeys(starts, ())
    client = user_client(job.context, source.role_arn, "s3")
    return list_intervals(client, source.templated_path, {start: job.timeline.local(start) for start in starts})


def read_intervals(job: DetectorJob, starts: Sequence[int], files: Files, shard: Shard | None = None) -> Reading:
    """The values of consecutive intervals; one without files has none."""
    wanted = _files_of(starts, files)
    if not wanted:
        return nothing_read(job, starts)
    block, report = _read(job, wanted, (starts[0], job.timeline.after(starts[-1])), shard)
    return Reading(tuple(starts), block, _completeness(wanted, report), describe_quality(job, starts[0], report))


def count_intervals(job: DetectorJob, starts: Sequence[int], files: Files) -> Population:
    """The leaves of consecutive intervals, the first of which begins the span that is counted from."""
    spec = spec_of(job.metric_set)
    end = job.timeline.after(starts[-1])
    wanted = _files_of(starts, files)
    return _fetch(job, wanted, lambda paths, names: count_leaves(paths, spec, starts[0], end, names=names))[0]


def nothing_read(job: DetectorJob, starts: Sequence[int], error: str = "") -> Reading:
    """Intervals in which nothing arrived."""
    block = empty_block(spec_of(job.metric_set), starts[0], len(starts))
    return Reading(tuple(starts), block, {"files": 0, "rows": 0, "invalidRows": 0}, {}, error)


def spec_of(metric_set: MetricSet) -> TableSpec:
    """How a metric set's rows become values."""
    if metric_set.timestamp is None:
        raise InvalidInput(Fault("TimestampColumn", f"{metric_set.name} names no column of times"))
    return TableSpec(
        timestamp=metric_set.timestamp,
        measures=metric_set.measures,
        interval_seconds=metric_set.frequency.seconds,
        dimensions=metric_set.dimensions,
        timezone=metric_set.timezone,
        format=source_of(metric_set).format,
        filters=metric_set.filters,
    )


def source_of(metric_set: MetricSet) -> S3Source:
    """The metric set's source, if it can be read."""
    if not isinstance(metric_set.source, S3Source):
        message = f"{metric_set.source.kind} cannot be read yet; deliver the data to S3 and use S3SourceConfig"
        raise InvalidInput(Fault("MetricSource", message))
    return metric_set.source


def _history_files(job: DetectorJob) -> tuple[S3File, ...] | None:
    source = source_of(job.metric_set)
    if not source.historical_path:
        return None
    files = list_history(user_client(job.context, source.role_arn, "s3"), source.historical_path)
    if not files:
        raise InvalidInput(Fault("HistoricalDataPathList", f"there is no file in {source.historical_path}"))
    return files


def _files_of(starts: Sequence[int], files: Files) -> tuple[S3File, ...]:
    return tuple(dict.fromkeys(file for start in starts for file in files[start]))


def _read(
    job: DetectorJob, files: Sequence[S3File], span: Span, shard: Shard | None, most_series: int | None = None
) -> tuple[Block, ReadReport]:
    spec = replace(spec_of(job.metric_set), shard=shard)
    first, end = span
    most = CELL_LIMIT if shard else values_at_once(job)
    return _fetch(
        job,
        files,
        lambda paths, names: read_block(paths, spec, first, end, names=names, cell_limit=most, series_limit=most_series),
    )


def _fetch(job: DetectorJob, files: Sequence[S3File], read: Callable[[Sequence[Path], Sequence[str]], T]) -> T:
    """What ``read`` makes of files, while they are here."""
    client = user_client(job.context, source_of(job.metric_set).role_arn, "s3")
    with TemporaryDirectory() as folder:
        return read(download(client, files, Path(folder)), [f"s3://{file.bucket}/{file.key}" for file in files])


def _completeness(files: Sequence[S3File], report: ReadReport) -> dict[str, int]:
    return {"files": len(files), "rows": report.rows, "invalidRows": report.rows_invalid}
