"""Incidents in words, the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from l4m.engine.results import Cause, Incident
from l4m.sources.tables.intervals import DAY, Clock

EVERYWHERE = "everywhere"
_ARROWS = {"up": "\N{UPWARDS ARROW}", "down": "\N{DOWNWARDS ARROW}"}
_SHOWN_CAUSES = 2
_FROM_NOTHING = 200.0  # a change that large says nothing but that little was expected


def say_period(incident: Incident, clock: Clock) -> str:
    """From when to when, on the zone's clock; the end is the end of the last interval."""
    first = local_time(incident.start, clock)
    last = local_time(clock.start(clock.number(incident.end) + 1), clock)
    count = clock.number(incident.end) - clock.number(incident.start) + 1
    if clock.interval_seconds > DAY:
        return f"{first:%Y-%m-%d}" + (f" to {last - timedelta(days=1):%Y-%m-%d}" if count > 1 else "")
    if clock.interval_seconds == DAY:
        return f"{first:%Y-%m-%d %a}" + (f", {count} days" if count > 1 else "")
    return f"{first:%Y-%m-%d %a %H:%M}-" + (f"{last:%H:%M}" if last.date() == first.date() else f"{last:%m-%d %H:%M}")


def local_time(moment: int, clock: Clock) -> datetime:
    """An epoch second on the zone's clock."""
    return datetime.fromtimestamp(moment, ZoneInfo(clock.timezone))


def say_what(incident: Incident) -> str:
    """The measures and which way they went."""
    sign = "no data" if incident.kind == "missing" else _ARROWS.get(incident.direction, "")
    change = say_change(incident.change) if incident.change else ""
    return (
        f"{', '.join(incident.measures)} {sign}"
        + (f" {change}" if change and incident.kind != "missing" else "")
        + (", lasting" if incident.is_lasting else "")
    )


def say_change(change: float) -> str:
    """Actual against expected: in per cent, or as a multiple where that reads better."""
    if not abs(change) < _FROM_NOTHING:
        return "from nothing" if change == float("inf") else "from next to nothing"
    return f"x{change + 1:.1f}" if change >= 2 else f"{100 * change:+.0f} %"


def say_causes(causes: Sequence[Cause]) -> str:
    """The largest causes and their shares."""
    largest = sorted(causes, key=lambda cause: -cause.contribution)
    shown = [
        f"{say_dimensions(cause.dimensions)}" + (f" {cause.contribution:.0f} %" if len(causes) > 1 else "")
        for cause in largest[:_SHOWN_CAUSES]
    ]
    more = len(causes) - len(shown)
    return "; ".join(shown) + (f"; {more} more" if more > 0 else "")


def say_dimensions(dimensions: Mapping[str, str]) -> str:
    """A combination of dimension values."""
    return ", ".join(f"{name}={value}" for name, value in dimensions.items()) or EVERYWHERE
