"""Live runs: every interval that is due, once; late data read again; what failed tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aws_lambda_powertools import Logger

from l4m.alerts.metrics import Metrics
from l4m.errors import AccessDenied, Conflict, InvalidInput, SourceUnavailable, StateUnreadable, Unreadable, shorten
from l4m.model import DetectorStatus
from l4m.service.context import Context
from l4m.service.resources.detectors import AT_REST
from l4m.service.runs.delivery import deliver
from l4m.service.runs.detection import Progress, feedback_of
from l4m.service.runs.detector_job import DetectorJob
from l4m.service.runs.publication import is_quiet, publish
from l4m.service.runs.reading import Reading, nothing_read, read_intervals, request_intervals, source_of
from l4m.service.runs.report import build_report, still_open
from l4m.service.runs.schedules import stop_schedule
from l4m.sources.source import Ticket
from l4m.store.anomalies import FencingToken
from l4m.store.runs import ExecutionRecord, Pointer
from l4m.store.series import SavedState, SeriesStore

BATCH_INTERVALS = 24
MOST_BATCHES = 8  # per invocation; what is left goes on in the next one
MOST_FAILURES = 3  # of one interval's data; after that it counts as missing
MOST_DEATHS = 2  # of the function over one interval, three attempts each
RUNNING = (DetectorStatus.LEARNING, DetectorStatus.ACTIVE)

logger = Logger(service="run-detection", child=True)


@dataclass
class Run:
    """One invocation's work on one detector."""

    job: DetectorJob
    pointer: Pointer
    moment: int
    metrics: Metrics

    @property
    def series(self) -> SeriesStore:
        """Where states and value history are."""
        return SeriesStore(self.job.bucket, self.job.prefix)

    @property
    def token(self) -> FencingToken:
        """To write what the pointer's state reports: it moves before any other report is made."""
        number = f"{self.job.detector.generation}.{self.pointer.version}"
        return FencingToken(number, partial(self.job.runs.require, self.pointer))


def run_detector(context: Context, detector_arn: str, moment: int) -> bool:
    """Run the intervals that are due at ``moment``; True when there are more than one invocation should take."""
    job = DetectorJob.of(context, detector_arn)
    pointer = job.runs.pointer()
    if job.detector.status in AT_REST:  # something that was called off may have set a schedule in its last moment
        stop_schedule(context, job.detector.name)
    if job.detector.status not in RUNNING or pointer is None:
        return False
    run = Run(job, pointer, moment, Metrics(detector_arn, context.table.name))
    try:
        has_more = _run_from_readable(run)
        run.metrics.note_lag(max(0, moment - job.timeline.due_at(run.pointer.next)))
    except Conflict:  # another invocation is at work on the same intervals, and was faster
        logger.info("another run was faster", extra={"detector": job.detector.name})
        has_more = False
    except AccessDenied as error:  # of what was learned
        _note_failure(run, run.pointer.next, error)
        has_more = False
    deliver(job, run.metrics)
    run.metrics.send(context.clients.client("cloudwatch"))
    return has_more


def _run_from_readable(run: Run) -> bool:
    """Run what is due from a state that can be read; each attempt that meets another does without that one."""
    for _ in range(len(run.pointer.checkpoints) + 1):
        try:
            return _run_batches(run)
        except StateUnreadable as error:
            logger.error("state cannot be read", extra={"detector": run.job.detector.name, "state": error.place, "error": error.reason})
            if not _do_without(run, error):
                return False
    return True


def _do_without(run: Run, lost: StateUnreadable) -> bool:
    """Go back to the newest state before one that cannot be read; False when there is none, which the detector says.

    The intervals since are due again, and what they find is what they found. States of a later version are waited for, as it may come back.
    """
    old = run.pointer
    left = tuple(one for one in old.checkpoints if one[1] != lost.place)
    if lost.place != old.state_key:  # late data would have gone back to it
        run.pointer = run.job.runs.move(old, replace(old, checkpoints=left))
        return True
    for number in range(len(left), 0, -1):
        moment, key = left[number - 1]
        if _is_readable(run, key):
            back = replace(old, next=moment, state_key=key, checkpoints=left[:number], is_published=True)
            run.pointer = run.job.runs.move(old, back)
            return True
    _note_failure(run, old.next, lost)
    if not lost.is_newer:
        detector = run.job.detector
        run.job.context.resources.move_detector(
            detector.arn,
            detector.generation,
            DetectorStatus.FAILED,
            allowed=RUNNING,
            now=run.job.context.now,
            failure_reason=f"what was learned cannot be read, nor any earlier state; activate the detector again: {lost}",
        )
    return False


def _is_readable(run: Run, key: str) -> bool:
    try:
        _resume(run, key)
    except StateUnreadable:
        return False
    return True


def _resume(run: Run, key: str) -> Progress:
    """What was learned up to a state."""
    state = run.series.load(key)
    try:
        return Progress.resume(state)
    except Unreadable as error:
        raise StateUnreadable(key, error.reason, is_newer=error.is_newer) from error


def _run_batches(run: Run) -> bool:
    if not run.pointer.is_published:  # an earlier run ended half-way
        _publish(run, run.series.load(run.pointer.state_key))
    for _ in range(MOST_BATCHES):
        due = run.job.timeline.due(run.pointer.next, run.moment, 1 if run.pointer.deaths else BATCH_INTERVALS)
        try:
            ticket = request_intervals(run.job, [*map(int, run.pointer.seen), *due])
        except (AccessDenied, SourceUnavailable, InvalidInput) as error:
            if due:
                _note_failure(run, due[0], error)
            return False
        if not run.pointer.deaths:
            _correct_late_data(run, ticket)
        ready = _ready(run, due, ticket)
        if not ready or not _advance(run, ready, ticket) or not run.job.timeline.due(run.pointer.next, run.moment, 1):
            return False
    return True


def _ready(run: Run, due: Sequence[int], ticket: Ticket) -> list[int]:
    """The intervals to run now: one whose files are not there yet gets one more interval's time to arrive."""
    timeline = run.job.timeline
    ready = []
    for start in due:
        if not ticket.has(start) and run.moment < timeline.due_at(start) + timeline.seconds:
            break
        ready.append(start)
    return ready


def _advance(run: Run, starts: Sequence[int], ticket: Ticket) -> bool:
    """Run some intervals; False when the first of them has to wait for another attempt."""
    try:
        reading = _read(run, starts, ticket)
    except (AccessDenied, SourceUnavailable, InvalidInput) as error:
        if len(starts) > 1:
            return _advance(run, starts[:1], ticket)
        failures = _note_failure(run, starts[0], error)
        if failures < MOST_FAILURES or not isinstance(error, InvalidInput):
            return False
        reading = nothing_read(run.job, starts, f"{MOST_FAILURES} attempts failed: {error}")
    _observe(run, run.pointer.state_key, reading, ticket)
    return True


def _read(run: Run, starts: Sequence[int], ticket: Ticket) -> Reading:
    """What was delivered for some intervals; what the function does not survive counts as missing."""
    if run.pointer.deaths < MOST_DEATHS:
        return read_intervals(run.job, starts, ticket)
    return nothing_read(run.job, starts, f"the function did not survive its data {MOST_DEATHS} times")


def _observe(run: Run, state_key: str, reading: Reading, ticket: Ticket, *, is_correction: bool = False) -> None:
    """Detect, save the new state, move the pointer, and only then make known what was found."""
    job = run.job
    progress = _resume(run, state_key)
    reading = reading.within(job.context.environment.most_series, progress.monitor.leaves)
    outcome = progress.observe(reading.starts, reading.block, feedback_of(job))
    report = build_report(job, reading, outcome, progress.open_incidents, is_correction=is_correction)
    after = SavedState(progress.monitor.save(), progress.history, report, still_open(progress.open_incidents, outcome))
    key = _save(run, after)
    executions = [_execution(start, ticket, reading) for start in reading.starts]
    job.runs.require(run.pointer)  # what a faster run said of these intervals stands
    job.runs.record(executions)
    run.pointer = _move(run, reading, key, ticket, is_published=is_quiet(report))
    _publish(run, after)
    if not is_correction:
        _count(run, executions, report["groups"])
    if job.detector.status is DetectorStatus.LEARNING and progress.monitor.is_ready:
        _set_active(job)


def _save(run: Run, state: SavedState) -> str:
    pages = state.history.split(run.job.timeline.seconds)
    for number, page in pages[:-1]:
        run.job.runs.require(run.pointer)  # a late run does not put its page over a newer one's
        run.series.save_page(number, page)
    tail = replace(state, history=pages[-1][1])
    return run.series.save(run.job.timeline.after(int(state.history.starts[-1])), tail, run.pointer.version)


def _move(run: Run, reading: Reading, key: str, ticket: Ticket, *, is_published: bool) -> Pointer:
    """The pointer after what was read; states that no late data can go back to any more are deleted."""
    timeline = run.job.timeline
    old = run.pointer
    starts = reading.starts
    end = timeline.after(starts[-1])
    oldest = timeline.before(end, run.job.context.environment.late_intervals)
    marks = source_of(run.job).marks(ticket.only(starts))
    seen = {**old.seen, **{str(start): marks[start] for start in starts}}
    right = starts[0] if end <= old.next else end - 1  # a correction: states after the one it began with hold what was wrong
    before = [(moment, state) for moment, state in old.checkpoints if moment <= right]
    base = max((moment for moment, _ in before if moment <= oldest), default=0)
    kept = tuple((moment, state) for moment, state in before if moment >= base)
    moved = run.job.runs.move(
        old,
        replace(
            old,
            next=end,
            state_key=key,
            is_published=is_published,
            failures=0,
            deaths=0,
            seen={start: mark for start, mark in seen.items() if int(start) >= oldest},
            checkpoints=(*kept, (end, key)),
            quality=reading.quality or old.quality,
        ),
    )
    gone = {state for _, state in old.checkpoints} - {state for _, state in moved.checkpoints}
    run.job.bucket.delete(sorted(gone))
    return moved


def _publish(run: Run, state: SavedState) -> None:
    if not run.pointer.is_published:
        publish(run.job, run.token, dict(state.report), state.history, run.series)
        run.pointer = run.job.runs.move(run.pointer, replace(run.pointer, is_published=True))


def _correct_late_data(run: Run, ticket: Ticket) -> None:
    """Go back to the state before the first interval whose files changed, and take the way from there again."""
    marks = source_of(run.job).marks(ticket.only(map(int, run.pointer.seen)))
    changed = [start for start, mark in run.pointer.seen.items() if marks[int(start)] != mark]
    checkpoints = [one for one in run.pointer.checkpoints if changed and one[0] <= min(map(int, changed))]
    if not checkpoints:
        return
    moment, key = checkpoints[-1]
    starts = run.job.timeline.span(moment, run.pointer.next)
    try:
        again = ticket.over(request_intervals(run.job, starts))
        reading = read_intervals(run.job, starts, again)
    except (AccessDenied, SourceUnavailable, InvalidInput) as error:
        logger.warning("late data cannot be read", extra={"detector": run.job.detector.name, "error": str(error)})
        return
    logger.info("late data", extra={"detector": run.job.detector.name, "intervals": len(starts)})
    _observe(run, key, reading, again, is_correction=True)


def _note_failure(run: Run, start: int, error: Exception) -> int:
    """Record an interval that could not be read, and how often that was tried."""
    logger.warning("interval failed", extra={"detector": run.job.detector.name, "interval": start, "error": str(error)})
    run.pointer = run.job.runs.move(run.pointer, replace(run.pointer, failures=run.pointer.failures + 1))
    run.job.runs.record([ExecutionRecord(start, "FAILED", shorten(str(error)))])
    run.metrics.count_executions("Started")
    run.metrics.count_executions("Failed")
    return run.pointer.failures


def _execution(start: int, ticket: Ticket, reading: Reading) -> ExecutionRecord:
    if reading.error:
        return ExecutionRecord(start, "FAILED", shorten(f"counts as missing: {reading.error}"))
    if not ticket.has(start):
        return ExecutionRecord(start, "FAILED", "no file arrived; the interval counts as missing")
    note = f"{reading.left_out:,} new series were left out: the quota MaxSeries is reached" if reading.left_out else None
    return ExecutionRecord(start, "COMPLETED", note)


def _count(run: Run, executions: Sequence[ExecutionRecord], groups: Sequence[Mapping[str, object]]) -> None:
    run.metrics.count_executions("Started", len(executions))
    for outcome, status in (("Succeeded", "COMPLETED"), ("Failed", "FAILED")):
        run.metrics.count_executions(outcome, sum(one.status == status for one in executions))
    run.metrics.note_scores((measure.name for measure in run.job.metric_set.measures), groups)


def _set_active(job: DetectorJob) -> None:
    detector = job.detector
    job.context.resources.move_detector(
        detector.arn, detector.generation, DetectorStatus.ACTIVE, allowed={DetectorStatus.LEARNING}, now=job.context.now
    )
