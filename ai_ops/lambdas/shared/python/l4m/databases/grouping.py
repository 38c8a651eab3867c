"""Rows aggregated where they live: one row for each interval and combination of dimension values, and how many it stands for."""

from __future__ import annotations

from dataclasses import dataclass

from l4m.databases.session import Kind, Session
from l4m.errors import Fault, InvalidInput
from l4m.model import Measure

COUNT = "l4m_rows"  # the column that says how many rows became one


@dataclass(frozen=True)
class Grouping:
    """What is asked of a SELECT's rows; ``before`` is where its times end, as the dialect writes it."""

    timestamp: str
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    interval_seconds: int
    timezone: str = "UTC"
    phase: int = 0  # an epoch second at which an interval begins
    before: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is needed, each once."""
        named = (self.timestamp, *(measure.name for measure in self.measures), *self.dimensions)
        return tuple(dict.fromkeys(named))


def group_rows(select: str, asked: Grouping, session: Session) -> str:
    """The SELECT that aggregates another one's rows; raises InvalidInput for columns that it lacks.

    A column of times that is neither an instant nor a wall clock's time, such as text, is grouped by as it is.
    """
    found = session.columns(select)
    missing = [name for name in asked.columns if name not in found]
    if missing:
        given = ", ".join(found)
        raise InvalidInput(*(Fault("query", f"delivers no column {name!r}; it has {given}") for name in missing))
    write = session.writing
    quoted = {name: write.name(name) for name in asked.columns}
    time = quoted[asked.timestamp]
    kind = found[asked.timestamp]
    begin = time if kind is Kind.OTHER else write.bucket(time, kind, asked.interval_seconds, asked.timezone, asked.phase)
    chosen = [f"{begin} AS {time}", *(f"{write.text(quoted[name])} AS {quoted[name]}" for name in asked.dimensions)]
    sums = [f"{one.aggregation.value}({write.number(quoted[one.name])}) AS {quoted[one.name]}" for one in asked.measures]
    groups = ", ".join(str(place) for place in range(1, len(chosen) + 1))
    lines = [f"SELECT {', '.join([*chosen, *sums, f'COUNT(*) AS {COUNT}'])}", f"FROM ({select}\n) AS l4m"]
    if asked.before:
        lines.append(f"WHERE {time} < {asked.before}")
    return "\n".join([*lines, f"GROUP BY {groups}", f"ORDER BY {groups}"])
