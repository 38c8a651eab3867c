"""Activation and backtest: reading the history, learning from it, and opening the detector for business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from l4m.errors import Fault, InvalidInput, L4mError
from l4m.model import DetectorStatus
from l4m.service.assignment import Assignment
from l4m.service.context import Context
from l4m.service.detecting import Progress
from l4m.service.publishing import WINDOW_INTERVALS, forget_groups, store_groups
from l4m.service.reading import Reading, read_catch_up, read_history
from l4m.service.report import build_report, still_open
from l4m.service.schedules import start_schedule
from l4m.service.tasks import BACKTEST, LEARN, Task
from l4m.store.runs import Pointer
from l4m.store.series import SavedState, SeriesStore

SLICE_INTERVALS = 168
TRAINING_SHARE = 0.7
FEWEST_BACKTEST_INTERVALS = 285

logger = Logger(service="run-detection", child=True)


def learn(context: Context, detector_arn: str, generation: int) -> None:
    """Take a detector from ACTIVATING to LEARNING or ACTIVE; repeated after a crash it goes on or begins anew."""
    _work(LEARN, _activate, context, detector_arn, generation)


def backtest(context: Context, detector_arn: str, generation: int) -> None:
    """Learn from the oldest 70 % of the history and report on the rest, from BACK_TEST_ACTIVATING to BACK_TEST_COMPLETE."""
    _work(BACKTEST, _backtest, context, detector_arn, generation)


def _work(task: Task, do: Callable[[Lesson], None], context: Context, detector_arn: str, generation: int) -> None:
    detector = context.resources.detector(detector_arn)
    if detector.status not in task.states or detector.generation != generation:
        logger.info("task is out of date", extra={"detector": detector.name, "status": detector.status, "generation": generation})
        return
    try:
        assignment = Assignment.of(context, detector_arn)
        assignment.bucket.put(f"{assignment.prefix}/begun", b"")  # a key that cannot be used is told before the work is done
        do(Lesson.of(assignment))
    except L4mError as error:
        logger.warning("detector failed", extra={"detector": detector.name, "error": str(error)})
        context.resources.move_detector(
            detector_arn,
            generation,
            DetectorStatus.FAILED,
            allowed=task.states,
            now=context.now,
            failure_type=task.failure,
            failure_reason=str(error)[:256],
        )


@dataclass
class Lesson:
    """A detector that learns, and where it keeps what it learns."""

    assignment: Assignment
    progress: Progress
    series: SeriesStore

    @classmethod
    def of(cls, assignment: Assignment) -> Lesson:
        """A lesson at its beginning."""
        return cls(assignment, Progress.begin(assignment), SeriesStore(assignment.bucket, assignment.prefix))

    def take(self, reading: Reading, is_scored: bool = False) -> int:
        """Observe a reading slice by slice, keep what was found if it counts, and return the end of the last interval."""
        self._require_quota(reading)
        asked_for = 0 if is_scored else len(reading.starts) - WINDOW_INTERVALS - SLICE_INTERVALS
        for begin in range(0, len(reading.starts), SLICE_INTERVALS):
            part = reading.part(begin, begin + SLICE_INTERVALS)
            outcome = self.progress.observe(part.starts, part.block, is_kept=begin >= asked_for)
            if is_scored:
                report = build_report(self.assignment, part, outcome, self.progress.open_incidents)
                self.progress.open_incidents = still_open(self.progress.open_incidents, outcome)
                store_groups(self.assignment, report, self.progress.history, self.series)
            self._save_pages()
        return self.assignment.timeline.after(reading.starts[-1])

    def move(self, status: DetectorStatus) -> None:
        """Bring the detector into its next state."""
        detector = self.assignment.detector
        context = self.assignment.context
        allowed = LEARN.states | BACKTEST.states
        context.resources.move_detector(detector.arn, detector.generation, status, allowed=allowed, now=context.now)

    def _require_quota(self, reading: Reading) -> None:
        most, measures = self.assignment.context.facilities.most_series, len(self.assignment.metric_set.measures)
        combinations = len({*self.progress.monitor.leaves, *reading.block.leaves})
        if measures * combinations > most:
            counted = f"{measures * combinations:,} series ({measures} measures of {combinations:,} combinations of dimension values)"
            raise InvalidInput(Fault("DimensionList", f"{counted} are more than the quota MaxSeries of {most:,}"))

    def _save_pages(self) -> None:
        """Keep full pages of history in the bucket, the last one at hand."""
        pages = self.progress.history.split(self.assignment.timeline.seconds)
        for number, page in pages[:-1]:
            self.series.save_page(number, page)
        for _, last in pages[-1:]:
            self.progress.history = last


def _activate(lesson: Lesson) -> None:
    assignment = lesson.assignment
    pointer = assignment.runs.pointer()
    if pointer is None:
        _learn(lesson)
    else:  # an earlier attempt got this far
        lesson.progress = Progress.resume(lesson.series.load(pointer.state_key))
    start_schedule(assignment)
    lesson.move(DetectorStatus.ACTIVE if lesson.progress.monitor.is_ready else DetectorStatus.LEARNING)


def _learn(lesson: Lesson) -> None:
    assignment = lesson.assignment
    end = assignment.timeline.floor(int(assignment.context.now.timestamp()))
    for reading in _readings(assignment):
        end = lesson.take(reading)
    key = lesson.series.save(end, SavedState(lesson.progress.monitor.save(), lesson.progress.history))
    assignment.anomalies.begin(end)
    assignment.runs.move(None, Pointer(next=end, state_key=key, is_published=True, checkpoints=((end, key),)))


def _readings(assignment: Assignment) -> Iterator[Reading]:
    """The history, then the live intervals that have come since."""
    history = read_history(assignment)
    first = None
    if history is not None:
        assignment.runs.describe_learning(history.quality)
        first = assignment.timeline.after(history.starts[-1])
        yield history
    yield from read_catch_up(assignment, first)


def _backtest(lesson: Lesson) -> None:
    assignment = lesson.assignment
    reading = read_history(assignment)
    if reading is None:
        raise InvalidInput(Fault("HistoricalDataPathList", "a backtest needs a historical path"))
    if len(reading.starts) < FEWEST_BACKTEST_INTERVALS:
        message = f"the history has {len(reading.starts)} intervals, a backtest needs {FEWEST_BACKTEST_INTERVALS}"
        raise InvalidInput(Fault("HistoricalDataPathList", message))
    split = int(TRAINING_SHARE * len(reading.starts))
    assignment.runs.describe_learning(reading.split_quality(split))
    lesson.take(reading.part(0, split))
    forget_groups(assignment, reading.starts[split:])
    assignment.anomalies.begin(reading.starts[split])
    lesson.move(DetectorStatus.BACK_TEST_ACTIVE)
    end = lesson.take(reading.part(split, len(reading.starts)), is_scored=True)
    if assignment.runs.pointer() is None:
        assignment.runs.move(None, Pointer(next=end, state_key="", is_published=True))
    lesson.move(DetectorStatus.BACK_TEST_COMPLETE)
