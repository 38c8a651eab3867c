"""The page of a backtest: one self-contained HTML file with a chart per incident, made to be opened offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape

from l4m.commands import charts
from l4m.commands.incident_files import write_whole
from l4m.commands.incident_series import IncidentSeries, series_of
from l4m.commands.incident_table import most_severe
from l4m.commands.point_files import PointFiles
from l4m.commands.wording import local_time, say_change, say_dimensions, say_period, say_what
from l4m.engine.results import Incident
from l4m.engine.settings import Settings
from l4m.model import Aggregation, Measure
from l4m.sources.tables.intervals import Clock
from l4m.sources.tables.read_report import ReadReport

MOST_CHARTS = 60
_SHOWN_CAUSES = 6
_SHOWN_MEASURES = 2


@dataclass(frozen=True)
class Panel:
    """A chart and what it shows."""

    title: str
    chart: charts.Chart
    sentence: str


@dataclass(frozen=True)
class Section:
    """One incident on the page."""

    incident: Incident
    period: str
    what: str
    causes: list[tuple[str, float, str]]  # where, share, change
    more_causes: int
    panels: list[Panel]
    place: float  # of its start on the overview, 0-100
    width: float


def write_page(
    target: Path,
    incidents: Sequence[Incident],
    points: PointFiles,
    *,
    settings: Settings,
    clock: Clock,
    report: ReadReport,
    files: Sequence[Path],
) -> None:
    """Write the page of a backtest; the most severe incidents are on it."""
    shown = sorted(most_severe(incidents, MOST_CHARTS), key=lambda one: one.start)
    span = (int(points.pieces[0].starts[0]), int(points.pieces[-1].starts[-1]) + settings.interval_seconds)
    environment = Environment(
        loader=PackageLoader("l4m.commands", "."), autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("page.html.j2").render(
        sections=[_section(one, points, settings, clock, span) for one in shown],
        total=len(incidents),
        report=report,
        settings=settings,
        names=", ".join(path.name for path in files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else ""),
        first=local_time(span[0], clock),
        last=local_time(span[1], clock),
        size=charts,
    )
    write_whole(text, target)


def _section(incident: Incident, points: PointFiles, settings: Settings, clock: Clock, span: tuple[int, int]) -> Section:
    chosen = [measure for name in incident.measures[:_SHOWN_MEASURES] for measure in settings.measures if measure.name == name]
    causes = [
        (say_dimensions(one.dimensions), one.contribution, say_change(one.change) if one.change else "")
        for one in sorted(incident.causes, key=lambda cause: -cause.contribution)[:_SHOWN_CAUSES]
    ]
    length = span[1] - span[0]
    return Section(
        incident,
        say_period(incident, clock),
        say_what(incident),
        causes,
        max(0, len(incident.causes) - _SHOWN_CAUSES),
        [_panel(series_of(incident, measure, points, clock), measure, clock, incident) for measure in chosen],
        round(100 * (incident.start - span[0]) / length, 3),
        round(max(0.25, 100 * (incident.end - incident.start + settings.interval_seconds) / length), 3),
    )


def _panel(series: IncidentSeries, measure: Measure, clock: Clock, incident: Incident) -> Panel:
    times = [local_time(int(start), clock) for start in series.fields["start"]]
    where = f"{series.measure}, {say_dimensions(series.dimensions)}"
    is_told = measure.name == incident.measures[0] and measure.aggregation is Aggregation.SUM
    sums = (incident.actual, incident.expected) if is_told else None
    return Panel(where, charts.draw(times, series.fields, series.event), _sentence(series, measure.aggregation, sums))


def _sentence(series: IncidentSeries, aggregation: Aggregation, sums: tuple[float, float] | None) -> str:
    """What came against what was expected over the whole incident: the sums, those of the incident if it has them, or the means."""
    window = slice(series.event[0], series.event[1] + 1)
    values = series.fields["value"][window]
    expected = series.fields["expected"][window]
    present = values[np.isfinite(values)]
    awaited = expected[np.isfinite(expected)]
    is_mean = aggregation is Aggregation.AVG
    came, expects = sums or (float(present.sum()), float(awaited.mean() if is_mean and len(awaited) else awaited.sum()))
    due = charts.say_number(expects)
    if not len(present):
        return f"no data; {due} expected"
    if is_mean:
        return f"{charts.say_number(float(present.mean()))} on average, {due} expected"
    return f"{charts.say_number(came)} came, {due} expected"
