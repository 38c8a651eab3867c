"""Taking a detector's learned state through more intervals: the one step of learning, backtest and live runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from l4m.engine.block import Block
from l4m.engine.monitor import Monitor
from l4m.engine.results import Feedback, Outcome
from l4m.engine.seasonality.holidays import has_calendar
from l4m.engine.settings import Settings
from l4m.errors import Fault, InvalidInput, Unreadable
from l4m.model import Detector, MetricSet
from l4m.service.resources.options import read_options
from l4m.service.runs.detector_job import DetectorJob
from l4m.store.history import History
from l4m.store.series import SavedState


@dataclass
class Progress:
    """A monitor at work and the values it has seen lately."""

    monitor: Monitor
    history: History
    open_incidents: tuple[str, ...] = ()

    @classmethod
    def begin(cls, job: DetectorJob) -> Progress:
        """A monitor that has seen nothing."""
        settings = settings_of(job.detector, job.metric_set)
        return cls(Monitor(settings), History.empty(len(settings.measures)))

    @classmethod
    def resume(cls, state: SavedState) -> Progress:
        """The monitor as it was saved; Unreadable when this version cannot make one of it."""
        try:
            monitor = Monitor.load(state.monitor)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise Unreadable("what a detector learned", f"is not what this version understands: {error!r}") from error
        return cls(monitor, state.history, state.open_incidents)

    def observe(self, starts: Sequence[int], block: Block, feedback: Sequence[Feedback] = (), *, is_kept: bool = True) -> Outcome:
        """Take the next intervals and say what is anomalous in them; their values are kept if anybody will ask for them."""
        outcome = self.monitor.observe(block, keep_points=is_kept, feedback=feedback)
        if outcome.points is not None:
            self.history = self.history.extend(starts, outcome.points.nodes, outcome.points.value)
        return outcome


def settings_of(detector: Detector, metric_set: MetricSet) -> Settings:
    """Settings of the engine: the metric set's, and what the detector's tags choose."""
    settings = Settings(
        interval_seconds=metric_set.frequency.seconds,
        measures=metric_set.measures,
        dimensions=metric_set.dimensions,
        timezone=metric_set.timezone,
        **read_options(detector.tags),
    )
    if settings.country is not None and not has_calendar(settings.country):
        raise InvalidInput(Fault("Tags", f"'l4m:country' {settings.country!r} has no calendar; use a code such as US, DE or GB"))
    return settings


def feedback_of(job: DetectorJob) -> tuple[Feedback, ...]:
    """What users said is no anomaly, as the engine takes it."""
    records = job.context.resources.feedback(job.detector.arn)
    return tuple(
        Feedback(one.series.measure, one.series.dimensions, one.series.severity, one.series.direction)
        for one in records
        if not one.is_anomaly
    )
