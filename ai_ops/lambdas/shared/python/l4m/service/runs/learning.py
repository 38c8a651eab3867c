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
from l4m.service.runs.detector_job import DetectorJob, prefix_of
from l4m.service.runs.machine import start_machine
from l4m.service.runs.planning import SLICE_INTERVALS, kept_from, plan_backtest, plan_learning, require_quota, split_backtest
from l4m.service.runs.publication import forget_groups, store_groups
from l4m.service.runs.reading import Reading, read_catch_up, read_history
from l4m.service.runs.report import build_report, still_open
from l4m.service.runs.schedules import start_schedule
from l4m.service.tasks import TASKS, UNDER_WAY
from l4m.store.anomalies import FencingToken
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


def work(name: str, context: Context, detector_arn: str, generation: int, do: Callable[[LearningJob], T]) -> T | None:
    """Do a step of a task, unless the detector has taken another order since; what a user can mend makes it fail."""
    try:
        context.resources.require_detector(detector_arn, generation, TASKS[name].states)
        job = DetectorJob.of(context, detector_arn)
        job.bucket.put(f"{job.prefix}/begun", b"")  # a key that cannot be used is told before the work is done
        return do(LearningJob.of(job))
    except L4mError as error:
        _give_up(name, context, detector_arn, generation, error)
        return None


def _give_up(name: str, context: Context, detector_arn: str, generation: int, error: L4mError) -> None:
    """Let the detector fail, unless it has taken another order; then nobody waits for this one any more."""
    task = TASKS[name]
    about = {"detector": detector_arn, "generation": generation, "error": str(error)}
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
class LearningJob:
    """A detector that learns, and where it keeps what it learns."""

    job: DetectorJob
    progress: Progress
    series: SeriesStore

    @classmethod
    def of(cls, job: DetectorJob) -> LearningJob:
        """A job at its beginning."""
        return cls(job, Progress.begin(job), SeriesStore(job.bucket, job.prefix))

    def forget_last(self) -> None:
        """Remove what the order before this one learned, or half learned."""
        detector = self.job.detector
        self.job.bucket.purge(f"{prefix_of(detector.name, detector.generation - 1)}/")

    def hand_over(self, plan: Plan) -> None:
        """Leave to the state machine what is too large for one function."""
        self.require()
        start_machine(self.job, plan)

    def take(self, reading: Reading, is_scored: bool = False) -> int:
        """Observe a reading slice by slice, keep what was found if it counts, and return the end of the last interval."""
        self._require_room(reading)
        asked_for = 0 if is_scored else kept_from(len(reading.starts))
        for begin in range(0, len(reading.starts), SLICE_INTERVALS):
            self.observe(reading.part(begin, begin + SLICE_INTERVALS), is_scored=is_scored, is_kept=begin >= asked_for)
        return self.job.timeline.after(reading.starts[-1])

    def observe(self, part: Reading, *, is_scored: bool, is_kept: bool = True) -> None:
        """Observe a slice, if that is still wanted."""
        self.require()
        outcome = self.progress.observe(part.starts, part.block, is_kept=is_kept)
        if is_scored:
            report = build_report(self.job, part, outcome, self.progress.open_incidents)
            self.progress.open_incidents = still_open(self.progress.open_incidents, outcome)
            store_groups(self.job, self.token, report, self.progress.history, self.series)
        self.save_pages()

    def open(self, end: int) -> None:
        """Watch from now on with what was learned up to ``end``."""
        runs = self.job.runs
        self.require()
        if runs.pointer() is None:
            key = self.series.save(end, SavedState(self.progress.monitor.save(), self.progress.history))
            self.job.index.begin(end)
            runs.move(None, Pointer(next=end, state_key=key, is_published=True, checkpoints=((end, key),)))
        start_schedule(self.job)
        self.move(DetectorStatus.ACTIVE if self.progress.monitor.is_ready else DetectorStatus.LEARNING)

    def evaluate(self, starts: Sequence[int]) -> None:
        """Begin to score a backtest's intervals."""
        forget_groups(self.job, self.token, starts)
        self.job.index.begin(starts[0])
        self.move(DetectorStatus.BACK_TEST_ACTIVE)

    def complete(self, end: int) -> None:
        """End a backtest that scored up to ``end``."""
        if self.job.runs.pointer() is None:
            self.job.runs.move(None, Pointer(next=end, state_key="", is_published=True))
        self.move(DetectorStatus.BACK_TEST_COMPLETE)

    def move(self, status: DetectorStatus) -> None:
        """Bring the detector into its next state."""
        detector = self.job.detector
        context = self.job.context
        context.resources.move_detector(detector.arn, detector.generation, status, allowed=UNDER_WAY, now=context.now)

    @property
    def token(self) -> FencingToken:
        """To write what a backtest finds; its attempts find the same."""
        return FencingToken(f"{self.job.detector.generation}", self.require)

    def require(self) -> None:
        """Raise Conflict once the detector has taken another order."""
        detector = self.job.detector
        context = self.job.context
        context.resources.require_detector(detector.arn, detector.generation, UNDER_WAY)

    def _require_room(self, reading: Reading) -> None:
        """Raise InvalidInput when the quota is exceeded, TooLarge when one function is to learn no more at once."""
        combinations = len({*self.progress.monitor.leaves, *reading.block.leaves})
        require_quota(self.job, combinations)
        most = self.job.context.environment.series_at_once
        if combinations * len(self.job.metric_set.measures) > most:
            raise TooLarge(Fault("DimensionList", f"there are more than {most:,} series"))

    def save_pages(self) -> None:
        """Keep full pages of history in the bucket, the last one at hand."""
        pages = self.progress.history.split(self.job.timeline.seconds)
        for number, page in pages[:-1]:
            self.series.save_page(number, page)
        for _, last in pages[-1:]:
            self.progress.history = last


def _activate(learning: LearningJob) -> None:
    job = learning.job
    learning.forget_last()
    end = 0
    pointer = job.runs.pointer()
    if pointer is not None:  # an earlier attempt got this far
        learning.progress = Progress.resume(learning.series.load(pointer.state_key))
    else:
        end = job.timeline.floor(int(job.context.now.timestamp()))
        try:
            for reading in _readings(job):
                end = learning.take(reading)
        except TooLarge:
            learning.hand_over(plan_learning(job))
            return
    learning.open(end)


def _readings(job: DetectorJob) -> Iterator[Reading]:
    """The history, then the live intervals that have come since."""
    history = read_history(job)
    first = None
    if history is not None:
        job.runs.describe_learning(history.quality)
        first = job.timeline.after(history.starts[-1])
        yield history
    yield from read_catch_up(job, first)


def _backtest(learning: LearningJob) -> None:
    job = learning.job
    learning.forget_last()
    try:
        reading = read_history(job)
    except TooLarge:
        learning.hand_over(plan_backtest(job))
        return
    if reading is None:
        raise InvalidInput(Fault("HistoricalDataPathList", "a backtest needs a historical path"))
    split = split_backtest(len(reading.starts))
    job.runs.describe_learning(split_quality(reading.quality, reading.starts, split))
    learning.take(reading.part(0, split))
    learning.evaluate(reading.starts[split:])
    end = learning.take(reading.part(split, len(reading.starts)), is_scored=True)
    learning.complete(end)
