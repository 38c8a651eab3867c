"""Activation and backtest: reading the history, learning from it, and opening the detector for business."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from aws_lambda_powertools import Logger

from l4m.errors import Fault, InvalidInput, L4mError
from l4m.model import DetectorStatus, FailureType
from l4m.service.assignment import Assignment
from l4m.service.context import Context
from l4m.service.detecting import Progress
from l4m.service.publishing import store_groups
from l4m.service.reading import Reading, read_catch_up, read_history
from l4m.service.report import build_report, still_open
from l4m.service.schedules import start_schedule
from l4m.store.quality import LEARNING
from l4m.store.runs import Pointer
from l4m.store.series import SavedState, SeriesStore

SLICE_INTERVALS = 168
TRAINING_SHARE = 0.7
FEWEST_BACKTEST_INTERVALS = 285

logger = Logger(service="learning", child=True)


def learn(context: Context, detector_arn: str, generation: int) -> None:
    """Take a detector from ACTIVATING to LEARNING or ACTIVE; repeated after a crash it goes on or begins anew."""
    _work(context, detector_arn, generation, DetectorStatus.ACTIVATING, FailureType.ACTIVATION_FAILURE, _activate)


def backtest(context: Context, detector_arn: str, generation: int) -> None:
    """Learn from the oldest 70 % of the history and report on the rest, from BACK_TEST_ACTIVATING to BACK_TEST_COMPLETE."""
    states = DetectorStatus.BACK_TEST_ACTIVATING, DetectorStatus.BACK_TEST_ACTIVE
    status = context.resources.detector(detector_arn).status
    if status in states:
        _work(context, detector_arn, generation, status, FailureType.BACK_TEST_ACTIVATION_FAILURE, _backtest)


def _work(
    context: Context, detector_arn: str, generation: int, status: DetectorStatus, failure: FailureType, task: Callable[[Assignment], None]
) -> None:
    detector = context.resources.detector(detector_arn)
    if detector.status is not status or detector.generation != generation:
        logger.info("task is out of date", extra={"detector": detector.name, "status": detector.status, "generation": generation})
        return
    try:
        task(Assignment.of(context, detector_arn))
    except L4mError as error:
        logger.warning("detector failed", extra={"detector": detector.name, "error": str(error)})
        context.resources.move_detector(
            detector_arn,
            generation,
            DetectorStatus.FAILED,
            allowed={status, DetectorStatus.BACK_TEST_ACTIVE},
            now=context.now,
            failure_type=failure,
            failure_reason=str(error)[:256],
        )


def _activate(assignment: Assignment) -> None:
    is_ready = assignment.runs.pointer() is not None and _was_ready(assignment)
    if assignment.runs.pointer() is None:
        is_ready = _learn(assignment)
    start_schedule(assignment)
    _move(assignment, DetectorStatus.ACTIVE if is_ready else DetectorStatus.LEARNING, DetectorStatus.ACTIVATING)


def _learn(assignment: Assignment) -> bool:
    """Learn all there is, keep the state, and say whether it is enough to report on."""
    series, progress, end = SeriesStore(assignment.bucket, assignment.prefix), Progress.begin(assignment), None
    for reading in _readings(assignment):
        end = _observe(assignment, progress, reading, 0, len(reading.starts), series)
    if end is None:
        end = assignment.timeline.floor(int(assignment.context.now.timestamp()))
    key = series.save(end, SavedState(progress.monitor.save(), progress.history))
    assignment.runs.move(None, Pointer(next=end, state_key=key, evaluation_start=end, is_published=True, checkpoints=((end, key),)))
    return progress.monitor.is_ready


def _readings(assignment: Assignment) -> Iterator[Reading]:
    """The history, then the live intervals that have come since."""
    history = read_history(assignment)
    first = None
    if history is not None:
        assignment.quality.put(LEARNING, history.quality)
        first = assignment.timeline.after(history.starts[-1])
        yield history
    yield from read_catch_up(assignment, first)


def _backtest(assignment: Assignment) -> None:
    reading = read_history(assignment)
    if reading is None:
        raise InvalidInput(Fault("HistoricalDataPathList", "a backtest needs a historical path"))
    if len(reading.starts) < FEWEST_BACKTEST_INTERVALS:
        message = f"the history has {len(reading.starts)} intervals, a backtest needs {FEWEST_BACKTEST_INTERVALS}"
        raise InvalidInput(Fault("HistoricalDataPathList", message))
    split = int(TRAINING_SHARE * len(reading.starts))
    series, progress = SeriesStore(assignment.bucket, assignment.prefix), Progress.begin(assignment)
    _observe(assignment, progress, reading, 0, split, series)
    _move(assignment, DetectorStatus.BACK_TEST_ACTIVE, assignment.detector.status)
    _observe(assignment, progress, reading, split, len(reading.starts), series, is_scored=True)
    assignment.quality.put(LEARNING, reading.split_quality(split))
    end = assignment.timeline.after(reading.starts[-1])
    if assignment.runs.pointer() is None:
        assignment.runs.move(None, Pointer(next=end, state_key="", evaluation_start=reading.starts[split], is_published=True))
    _move(assignment, DetectorStatus.BACK_TEST_COMPLETE, DetectorStatus.BACK_TEST_ACTIVE)


def _observe(
    assignment: Assignment, progress: Progress, reading: Reading, first: int, last: int, series: SeriesStore, is_scored: bool = False
) -> int:
    """Take part of a reading in slices; returns the end of the last interval."""
    for begin in range(first, last, SLICE_INTERVALS):
        part = reading.part(begin, min(begin + SLICE_INTERVALS, last))
        outcome = progress.observe(part.starts, part.block)
        if is_scored:
            report = build_report(assignment, part.starts, outcome, (), None, progress.open_incidents)
            progress.open_incidents = still_open(progress.open_incidents, outcome)
            store_groups(assignment, report, progress.history, series)
        _save_pages(assignment, progress, series)
    return assignment.timeline.after(reading.starts[last - 1])


def _save_pages(assignment: Assignment, progress: Progress, series: SeriesStore) -> None:
    """Keep full pages of history in the bucket, the last one at hand."""
    pages = progress.history.split(assignment.timeline.seconds)
    for number, page in pages[:-1]:
        series.save_page(number, page)
    progress.history = pages[-1][1]


def _was_ready(assignment: Assignment) -> bool:
    pointer = assignment.runs.pointer()
    assert pointer is not None  # noqa: S101 - the caller looked
    return Progress.resume(SeriesStore(assignment.bucket, assignment.prefix).load(pointer.state_key)).monitor.is_ready


def _move(assignment: Assignment, status: DetectorStatus, *allowed: DetectorStatus) -> None:
    detector = assignment.detector
    assignment.context.resources.move_detector(detector.arn, detector.generation, status, allowed=set(allowed), now=assignment.context.now)
