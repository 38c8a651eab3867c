"""`l4m backtest`: score a file of metrics as if it had been watched live, and show the incidents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from l4m.commands.arguments import Interval, find_files, parse_days, parse_fields, parse_interval, parse_measures, split_names
from l4m.commands.database_data import DatabaseData, is_database, parse_database
from l4m.commands.incident_files import incident_document, write_json
from l4m.commands.incident_table import incident_table
from l4m.commands.point_files import PointFiles
from l4m.commands.ratios import columns_of, derive
from l4m.commands.replay import replay
from l4m.commands.wording import local_time
from l4m.engine.monitor import Monitor
from l4m.engine.results import Incident
from l4m.engine.seasonality.holidays import has_calendar
from l4m.engine.settings import Settings
from l4m.errors import Fault, InvalidInput
from l4m.model import Direction, TimestampColumn
from l4m.sources.tables.block_reader import read_table
from l4m.sources.tables.formats import TextOptions
from l4m.sources.tables.intervals import DAY, Clock
from l4m.sources.tables.read_report import PARTIAL, ReadReport
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.timestamps import ISO

PIPED_WIDTH = 160  # characters of a line where no terminal says how wide it is
SETTING_NAMES = {
    name: f"--{name}" for name in ("charset", "delimiter", "skip", "decimal", "thousands", "timestamp-format", "timezone", "interval")
}  # what messages of the reading call its settings
_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
_PERCENT = click.FloatRange(0, 100)


@dataclass(frozen=True)
class Outputs:
    """Where results go besides the terminal."""

    points: Path | None
    incidents: Path | None
    html: Path | None
    limit: int
    why: bool = False

    def check(self, given: Sequence[Path]) -> None:
        """Refuse files whose folder does not exist, and those that are read or written already, before any work is done."""
        faults = [
            Fault(str(path), "cannot be written: its folder does not exist") for path in self.files.values() if not path.parent.is_dir()
        ]
        taken = {path.resolve() for path in given}
        for path in self.files.values():
            if path.resolve() in taken:
                faults.append(Fault(str(path), "is a file of data, or another output: it would be overwritten"))
            taken.add(path.resolve())
        if faults:
            raise InvalidInput(*faults)

    @property
    def files(self) -> dict[str, Path]:
        """The files that were asked for, by what they hold."""
        named = {"points": self.points, "incidents": self.incidents, "page": self.html}
        return {name: path for name, path in named.items() if path}


@click.command(short_help="Find the incidents in a file of metrics.")
@click.argument("data", nargs=-1, required=True)
@click.option(
    "--query", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File with the SELECT, where DATA is a database."
)
@click.option("--timeout", type=click.IntRange(1), default=300, show_default=True, help="Seconds that a database may take.")
@click.option("--timestamp", required=True, metavar="COLUMN", help="Column of times.")
@click.option(
    "--measures", required=True, metavar="A,B:avg,A/B", help="Columns to watch, each summed unless :avg follows, and ratios of two sums."
)
@click.option("--dimensions", default="", metavar="A,B", help="Columns that tell series apart.")
@click.option("--interval", required=True, metavar="PT1H", help="PT5M, PT10M, PT1H, P1D or another even part of a day.")
@click.option("--timestamp-format", default=ISO, show_default=True, help="A Java pattern such as 'yyyy-MM-dd HH:mm', UNIX or ISO.")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of times that carry none, and of daily intervals.")
@click.option("--rollups", type=click.Choice(["auto", "none"]), default="auto", show_default=True, help="Watch totals beside the series.")
@click.option("--sensitivity", type=_PERCENT, default=50.0, show_default=True, help="0 reports least, 100 most.")
@click.option("--direction", type=click.Choice([one.value for one in Direction]), default="both", show_default=True)
@click.option("--min-absolute", type=click.FloatRange(0), default=0.0, help="Ignore deviations smaller than this.")
@click.option(
    "--min-relative", type=click.FloatRange(0), default=0.0, help="Ignore deviations smaller than this share of the expected value."
)
@click.option("--country", metavar="CODE", help="ISO 3166 code of the country whose holidays are known.")
@click.option("--special-days", default="", metavar="DAYS", help="Further days to treat as holidays: 2024-11-29,2024-12-02.")
@click.option("--columns", default="", metavar="A,B", help="Names of the columns of CSV files without a header line.")
@click.option("--delimiter", default="", help="Delimiter of CSV files; found out if not given.")
@click.option("--charset", default="", help="Character set of text files; UTF-8 if not given.")
@click.option("--skip", type=click.IntRange(0), default=0, metavar="LINES", help="Lines before the header of CSV files.")
@click.option("--decimal", default=".", metavar="SIGN", help="Sign before the fraction of numbers, such as ','.")
@click.option("--thousands", default="", metavar="SIGN", help="Sign between the thousands of numbers, such as '.'.")
@click.option("--field", multiple=True, metavar="NAME=A.B", help="Where JSON keeps a column: order.total, or total=order.total.")
@click.option("--points", type=_FILE, help="Write every point with expected value, band and severity (Parquet).")
@click.option("--incidents", type=_FILE, help="Write the incidents (JSON).")
@click.option("--html", type=_FILE, help="Write a page with a chart per incident; opens offline.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Incidents to show.")
@click.option("--why", is_flag=True, help="Say how many anomalous points belong to an incident, and why the others were not told.")
def command(data: tuple[str, ...], points: Path | None, incidents: Path | None, html: Path | None, limit: int, **options: Any) -> None:
    """Find the incidents in files of metrics (CSV, JSON lines or Parquet, also gzipped): paths or patterns.

    Or in a database: postgresql://USER@HOST/DATABASE with --query; it is only read, and sums are made there.

    Every point is scored from earlier points only, as it would have been live.
    """
    database = parse_database(data, options["query"], options["timeout"]) if is_database(data[0]) else None
    files = [database.query] if database else find_files(data)
    outputs = Outputs(points, incidents, html, limit, options["why"])
    outputs.check(files)
    interval = parse_interval(options["interval"])
    settings = _settings(options, interval)
    spec = TableSpec(
        TimestampColumn(options["timestamp"], options["timestamp_format"]),
        columns_of(settings.measures),
        interval.seconds,
        settings.dimensions,
        options["timezone"],
        text=TextOptions(options["charset"], options["delimiter"].replace("\\t", "\t"), split_names(options["columns"]), options["skip"]),
        interval_months=interval.months,
        decimal=options["decimal"],
        thousands=options["thousands"],
        fields=parse_fields(options["field"]),
        setting_names=SETTING_NAMES,
    )
    with TemporaryDirectory() as folder:
        if database:
            fetched, spec = _fetch(database, spec, Path(folder))
            backtest(files, spec, settings, outputs, fetched)
        else:
            backtest(files, spec, settings, outputs)


def _fetch(database: DatabaseData, spec: TableSpec, folder: Path) -> tuple[Path, TableSpec]:
    """Have the database aggregate, and say how many rows became how many."""
    with _progress() as progress:
        task = progress.add_task("fetching", total=None, unit="rows")
        fetched = database.fetch(spec, datetime.now(UTC), folder, lambda rows: progress.update(task, completed=rows))
        _say(progress.console, f"note: {_rows(fetched.rows)} of the database, added up there to {fetched.groups:,}")
    return fetched.path, fetched.spec


def backtest(data: list[Path], spec: TableSpec, settings: Settings, outputs: Outputs, fetched: Path | None = None) -> None:
    """Read, replay, and put out what was found; ``fetched`` is the file of what lies elsewhere and is called by its query's name."""
    files = [fetched] if fetched else data
    with _progress() as progress, TemporaryDirectory() as folder:
        reading = progress.add_task("reading", total=None, unit="rows")
        names = [str(path) for path in data]
        table = read_table(
            files, spec, names=names, is_exact=outputs.points is not None, progress=lambda rows: progress.update(reading, completed=rows)
        )
        progress.remove_task(reading)
        clock = table.clock
        report = table.report
        block = derive(table.block, settings.measures)
        _warn(report, clock, block.values.shape[1], progress.console)
        measures = [measure.name for measure in settings.measures]
        points = PointFiles(Path(folder), measures, settings.dimensions) if outputs.points or outputs.html else None
        monitor = Monitor(settings)
        detecting = progress.add_task("detecting", total=block.values.shape[1], unit="intervals")
        reasons: Counter[str] | None = Counter() if outputs.why else None
        incidents = replay(monitor, block, clock, points, lambda done: _advance(progress, detecting, done), reasons=reasons)
        if points and outputs.points:
            points.write_parquet(outputs.points)
        if points and outputs.html:
            from l4m.commands.page import write_page  # noqa: PLC0415 - jinja2 only where a page is asked for

            write_page(outputs.html, incidents, points, settings=settings, clock=clock, report=report, files=data)
    if outputs.incidents:
        write_json(incident_document(incidents), outputs.incidents)
    _show(incidents, clock, report, outputs)
    if reasons is not None:
        _explain(reasons)


def _explain(reasons: Counter[str]) -> None:
    """Say of all anomalous points why they were told or not."""
    console = Console(highlight=False)
    console.print(f"{sum(reasons.values()):,} anomalous points of series and rollups:")
    for reason, count in reasons.most_common():
        console.print(f"{count:>9,}  {reason}", markup=False)


def _settings(options: dict[str, Any], interval: Interval) -> Settings:
    """What the engine goes by; it knows intervals longer than a day as even steps without a calendar."""
    is_long = interval.seconds > DAY
    return Settings(
        interval_seconds=interval.seconds,
        measures=parse_measures(options["measures"]),
        dimensions=split_names(options["dimensions"]),
        timezone="UTC" if is_long else options["timezone"],
        sensitivity=options["sensitivity"],
        direction=Direction(options["direction"]),
        minimum_absolute=options["min_absolute"],
        minimum_relative=options["min_relative"],
        country=None if is_long else _country(options["country"]),
        special_days=() if is_long else parse_days(options["special_days"]),
        rollups=options["rollups"] == "auto",
    )


def _country(code: str | None) -> str | None:
    if not code:
        return None
    if not has_calendar(code.upper()):
        raise InvalidInput(Fault("--country", f"{code!r} has no calendar; use an ISO 3166 code such as US, DE or GB"))
    return code.upper()


def _warn(report: ReadReport, clock: Clock, intervals: int, console: Console) -> None:
    """Say what was left out or read otherwise than it is written, where, and what mends it."""
    for fault in report.faults:
        kind = "note" if fault.is_change else "warning"
        lost = "" if fault.is_change or fault.reason.startswith(PARTIAL) else " left out"
        style = "" if fault.is_change else "yellow"
        _say(console, f"{kind}: {_rows(fault.count)}{lost}: {fault}", style)
    if report.rows_merged:
        _say(console, f"note: {_rows(report.rows_merged)} added to another of the same series and interval")
    if report.begun:
        start, until = (f"{local_time(moment, clock):%Y-%m-%d %H:%M}" for moment in (report.begun.start, report.begun.until))
        _say(console, f"note: the last interval, {start}, is only begun (rows until {until}) and left out")
    if intervals < 2:
        raise InvalidInput(Fault("data", f"{report.rows_used:,} rows make one interval only; there is nothing to compare it with"))


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _show(incidents: list[Incident], clock: Clock, report: ReadReport, outputs: Outputs) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPED_WIDTH)
    console.print(f"{report.rows_used:,} rows, {report.series:,} series: {len(incidents):,} incident{'s' if len(incidents) != 1 else ''}")
    if incidents:
        console.print(incident_table(incidents, clock, outputs.limit))
    if len(incidents) > outputs.limit:
        console.print(f"{len(incidents) - outputs.limit:,} less severe ones are not shown (--limit)")
    for name, path in outputs.files.items():
        console.print(f"{name}: {path}", markup=False)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)
