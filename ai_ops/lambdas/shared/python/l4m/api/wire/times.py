"""Time strings of the wire: ``2022-01-15T04:25Z[UTC]`` out, ISO 8601 with a zone in."""

from __future__ import annotations

from datetime import UTC, datetime

from l4m.errors import Fault, InvalidInput


def to_text(moment: datetime) -> str:
    """A time as the service always wrote it: no seconds, the zone in brackets."""
    return f"{moment.astimezone(UTC).isoformat()[:16]}Z[UTC]"


def from_text(field: str, text: str) -> datetime:
    """The time in a text that has passed its pattern."""
    try:
        return datetime.fromisoformat(text.partition("[")[0]).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(Fault(field, f"{text!r} is no date")) from error
