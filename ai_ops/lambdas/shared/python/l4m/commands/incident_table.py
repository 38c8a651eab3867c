"""The table of incidents that a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from l4m.commands.wording import say_causes, say_period, say_what
from l4m.engine.results import Incident
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
        table.add_row(f"{one.severity:.1f}", say_period(one, clock), say_what(one), say_causes(one.causes), f"{one.series:,}")
    return table


def most_severe(incidents: Sequence[Incident], limit: int) -> list[Incident]:
    """The incidents worth showing."""
    return sorted(incidents, key=lambda one: (-one.severity, -one.series, one.start))[:limit]
