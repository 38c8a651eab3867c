"""Activation and backtest: reading the history, learning from it, and opening the detector for business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from aws_lambda_powertools import Logger

from l4m.errors import Conflict, Fault, InvalidInput, L4mError, TooLarge
from l4m.model import DetectorStatus
from l4m.service.context import Context
from l4m.service.runs.data_quality import split_quality
from l4m.service.runs.detection import Progress
from l4m.service.runs.detector_job import Assignment, prefix_of
from l4m.service.runs.machine import start_machine
from l4m.service.runs.planning import SLICE_INTERVALS, kept_from, plan_backtest, plan_learning, require_quota, split_backtest
from l4m.service.runs.publication import forget_groups, store_groups
from l4m.service.runs.reading import Reading, read_catch_up, read_history
from l4m.service.runs.report import build_report, still_open
from l4m.service.runs.schedules import start_schedule
from l4m.service.tasks import TASKS, UNDER_WAY
from l4m.store.anomalies import Claim
from l4m.store.parts import Plan
from l4m.store.runs import Pointer
from l4m.store.series import SavedState, SeriesStore

T = TypeVar("T")

logger = Logger(service="run-detection", child=True)


def learn(context: Context, detector_arn: str, generation: int) -> None:
    """Take a detector from ACTIVATING to LEARNING or ACTIVE; repeated after a crash it goes on or begins anew."""
    work("learn", context, detector_arn, generation, _activate)


def backtest(context: Context, detector_arn: str, generation: int) -> None:
    """Learn from the oldest 70 % of the history and report on the rest, from BACK_TEST_ACTIVATING to BACK_TEST_COMPLETE."""
    work("backtest", context, detector_arn, generation, _backtest)


def work(name: str, context: Context, detector_arn: str, generation: int, do: Callable[[Lesson], T]) -> T | None:
    """Do a step of a task, unless the detector has taken another order since; what a user can mend makes it fail."""
    try:
        context.resources.require_detector(detector_arn, generation, TASKS[name].states)
        assignment = Assignment.of(context, detector_arn)
        assignment.bucket.put(f"{assignment.prefix}/begun", b"")  # a key that cannot be used is told before the work is done
        return do(Lesson.of(assignment))
    except L4mError as error:
        _give_up(name, context, detector_arn, generation, error)
        return None


def _give_up(name: str, context: Context, detector_arn: str, generation: int, error: L4mError) -> None:
    """Let the detector fail, unless it has taken another order; then nobody waits for this one any more."""
    task, about = TASKS[name], {"detector": detector_arn, "generation": generation, "error": str(error)}
    try:
        context.resources.require_detector(detector_arn, generation, task.states)
    except Conflict:
        logger.info("task is out of date", extra=about)
        return
    if isinstance(error, Conflict):  # with calls that came in between: Lambda tries again
        raise error
    logger.warning("detector failed", extra=about)
    context.resources.move_detector(
        detector_arn,
        generation,
        DetectorStatus.FAILED,
        allowed=task.states,
        now=context.now,
        failure_type=task.failure,
        failure_reason=str(error),
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

    def forget_last(self) -> None:
        """Remove what the order before this one learned, or half learned."""
        detector = self.assignment.detector
        self.assignment.bucket.purge(f"{prefix_of(detector.name, detector.generation - 1)}/")

    def hand_over(self, plan: Plan) -> None:
        """Leave to the state machine what is too large for one function."""
        self.require()
        start_machine(self.assignment, plan)

    def take(self, reading: Reading, is_scored: bool = False) -> int:
        """Observe a reading slice by slice, keep what was found if it counts, and return the end of the last interval."""
        self._require_room(reading)
        asked_for = 0 if is_scored else kept_from(len(reading.starts))
        for begin in range(0, len(reading.starts), SLICE_INTERVALS):
            self.observe(reading.part(begin, begin + SLICE_INTERVALS), is_scored=is_scored, is_kept=begin >= asked_for)
        return self.assignment.timeline.after(reading.starts[-1])

    def observe(self, part: Reading, *, is_scored: bool, is_kept: bool = True) -> None:
        """Observe a slice, if that is still wanted."""
        self.require()
        outcome = self.progress.observe(part.starts, part.block, is_kept=is_kept)
        if is_scored:
            report = build_report(self.assignment, part, outcome, self.progress.open_incidents)
            self.progress.open_incidents = still_open(self.progress.open_incidents, outcome)
            store_groups(self.assignment, self.claim, report, self.progress.history, self.series)
        self.save_pages()

    def open(self, end: int) -> None:
        """Watch from now on with what was learned up to ``end``."""
        runs = self.assignment.runs
        self.require()
        if runs.pointer() is None:
            key = self.series.save(end, SavedState(self.progress.monitor.save(), self.progress.history))
            self.assignment.index.begin(end)
            runs.move(None, Pointer(next=end, state_key=key, is_published=True, checkpoints=((end, key),)))
        start_schedule(self.assignment)
        self.move(DetectorStatus.ACTIVE if self.progress.monitor.is_ready else DetectorStatus.LEARNING)

    def evaluate(self, starts: Sequence[int]) -> None:
        """Begin to score a backtest's intervals."""
        forget_groups(self.assignment, self.claim, starts)
        self.assignment.index.begin(starts[0])
        self.move(DetectorStatus.BACK_TEST_ACTIVE)

    def complete(self, end: int) -> None:
        """End a backtest that scored up to ``end``."""
        if self.assignment.runs.pointer() is None:
            self.assignment.runs.move(None, Pointer(next=end, state_key="", is_published=True))
        self.move(DetectorStatus.BACK_TEST_COMPLETE)

    def move(self, status: DetectorStatus) -> None:
        """Bring the detector into its next state."""
        detector, context = self.assignment.detector, self.assignment.context
        context.resources.move_detector(detector.arn, detector.generation, status, allowed=UNDER_WAY, now=context.now)

    @property
    def claim(self) -> Claim:
        """To write what a backtest finds; its attempts find the same."""
        return Claim(f"{self.assignment.detector.generation}", self.require)

    def require(self) -> None:
        """Raise Conflict once the detector has taken another order."""
        detector, context = self.assignment.detector, self.assignment.context
        context.resources.require_detector(detector.arn, detector.generation, UNDER_WAY)

    def _require_room(self, reading: Reading) -> None:
        """Raise InvalidInput when the quota is exceeded, TooLarge when one function is to learn no more at once."""
        combinations = len({*self.progress.monitor.leaves, *reading.block.leaves})
        require_quota(self.assignment, combinations)
        most = self.assignment.context.facilities.series_at_once
        if combinations * len(self.assignment.metric_set.measures) > most:
            raise TooLarge(Fault("DimensionList", f"there are more than {most:,} series"))

    def save_pages(self) -> None:
        """Keep full pages of history in the bucket, the last one at hand."""
        pages = self.progress.history.split(self.assignment.timeline.seconds)
        for number, page in pages[:-1]:
            self.series.save_page(number, page)
        for _, last in pages[-1:]:
            self.progress.history = last


def _activate(lesson: Lesson) -> None:
    assignment = lesson.assignment
    lesson.forget_last()
    end, pointer = 0, assignment.runs.pointer()
    if pointer is not None:  # an earlier attempt got this far
        lesson.progress = Progress.resume(lesson.series.load(pointer.state_key))
    else:
        end = assignment.timeline.floor(int(assignment.context.now.timestamp()))
        try:
            for reading in _readings(assignment):
                end = lesson.take(reading)
        except TooLarge:
            lesson.hand_over(plan_learning(assignment))
            return
    lesson.open(end)


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
    lesson.forget_last()
    try:
        reading = read_history(assignment)
    except TooLarge:
        lesson.hand_over(plan_backtest(assignment))
        return
    if reading is None:
        raise InvalidInput(Fault("HistoricalDataPathList", "a backtest needs a historical path"))
    split = split_backtest(len(reading.starts))
    assignment.runs.describe_learning(split_quality(reading.quality, reading.starts, split))
    lesson.take(reading.part(0, split))
    lesson.evaluate(reading.starts[split:])
    end = lesson.take(reading.part(split, len(reading.starts)), is_scored=True)
    lesson.complete(end)
