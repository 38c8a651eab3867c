"""The table of incidents that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from l4m.commands.wording import say_causes, say_period, say_what
from l4m.engine.results import Incident
from l4m.errors import one_line
from l4m.sources.tables.intervals import Clock


def incident_table(incidents: Sequence[Incident], clock: Clock, limit: int) -> Table:
    """The most severe incidents, most severe first."""
    shown = most_severe(incidents, limit)
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=("", "dim") if len(shown) > 12 else ())
    table.add_column("severity", justify="right", no_wrap=True)
    table.add_column(f"when ({clock.timezone})", no_wrap=True)
    table.add_column("what")
    table.add_column("where")
    table.add_column("series", justify="right", no_wrap=True)
    for one in shown:
        what, where = cell(say_what(one)), cell(say_causes(one.causes))
        table.add_row(f"{one.severity:.1f}", say_period(one, clock), what, where, f"{one.series:,}")
    return table


def cell(text: str) -> Text:
    """A text out of data, which is shown as it is: no markup, nothing that steers the terminal."""
    return Text(one_line(text))


def most_severe(incidents: Sequence[Incident], limit: int) -> list[Incident]:
    """The incidents worth showing."""
    return sorted(incidents, key=lambda one: (-one.severity, -one.series, one.start))[:limit]
