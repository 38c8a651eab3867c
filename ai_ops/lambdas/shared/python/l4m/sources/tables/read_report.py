"""What reading a table found out about its data: counts for data quality, and samples for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNPARSABLE_TIME = "timestamp cannot be parsed"
MISSING_TIME = "timestamp is missing"
IMPLAUSIBLE_TIME = "timestamp is before 1900 or after 2200"
MISSING_DIMENSION = "dimension is empty"
MISSING_MEASURE = "measure is empty"
NOT_A_NUMBER = "measure is not a finite number"


@dataclass(frozen=True)
class RowFault:
    """One kind of thing that is wrong with rows of one column, how often, and where it stood first."""

    reason: str
    column: str
    count: int
    file: str
    line: int  # of a text file, or the row of a Parquet file; counted from 1
    sample: str = ""

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" + (f", column {self.column}" if self.column else "")
        shown = f" ({self.sample!r})" if self.sample else ""
        return f"{self.reason}{shown}: {where}" + (f", and {self.count - 1:,} more" if self.count > 1 else "")


@dataclass(frozen=True)
class ReadReport:
    """Counts of one read; a row is used, filtered out, outside the range, or invalid."""

    rows: int = 0
    rows_used: int = 0
    rows_filtered: int = 0
    rows_outside: int = 0
    rows_invalid: int = 0
    rows_partial: int = 0  # used, though not every measure had a number
    rows_merged: int = 0  # used, but added to a value that another row had begun
    series: int = 0
    start: int | None = None  # epoch second at which the first interval with data begins
    end: int | None = None  # the same of the last interval
    columns: tuple[str, ...] = ()
    empty_values: Mapping[str, int] = field(default_factory=dict)  # column -> rows without a value in it
    faults: tuple[RowFault, ...] = ()
