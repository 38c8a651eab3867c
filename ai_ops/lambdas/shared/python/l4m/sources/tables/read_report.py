"""What reading a table found out about its data: counts for data quality, and samples for whoever has to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNPARSABLE_TIME = "timestamp cannot be parsed"
MISSING_TIME = "timestamp is missing"
IMPLAUSIBLE_TIME = "timestamp is before 1900 or after 2200"
STRAY_TIME = "timestamp is far from all others"
SKIPPED_HOUR = "local time does not exist, as clocks were put forward; read as the time before the change"
DOUBLED_HOUR = "local time occurs twice, as clocks were put back; counted half for either hour"
MISSING_DIMENSION = "dimension is empty"
MISSING_MEASURE = "measure is empty"
NOT_A_NUMBER = "measure is not a finite number"
OPEN_QUOTE = "line refused, a quote opens that never closes"
LOOSE_QUOTE = "a quote opens that never closes; read without it"
MISPLACED_QUOTE = "line refused, a quote stands where none can"
NOT_UTF8 = "line refused, not UTF-8"
OTHER_CHARSET = "line is not UTF-8"
JSON_CUT_OFF = "line refused, JSON that is cut off"
JSON_BROKEN = "line refused, not JSON"
JSON_NO_OBJECT = "line refused, JSON but not an object"
JSON_TOO_DEEP = "line refused, JSON nested too deeply"

CHANGED = (SKIPPED_HOUR, DOUBLED_HOUR, OTHER_CHARSET, LOOSE_QUOTE)  # rows that are used, but read otherwise than they are written
PARTIAL = (MISSING_MEASURE, NOT_A_NUMBER)  # rows that may be used for what else they hold


@dataclass(frozen=True)
class RowFault:
    """One kind of thing that is wrong with rows of one column, how often, where it stood first, and what mends it."""

    reason: str
    column: str
    count: int
    file: str
    line: int  # of a text file, or the row of a Parquet file; counted from 1
    sample: str = ""
    remedy: str = ""

    @property
    def is_change(self) -> bool:
        """Whether the rows are used, but read otherwise than they are written."""
        return self.reason.startswith(CHANGED)

    @property
    def place(self) -> str:
        """File, line and column of the first."""
        return f"{self.file}, line {self.line}" + (f", column {self.column}" if self.column else "")

    def __str__(self) -> str:
        shown = f" ({self.sample!r})" if self.sample else ""
        more = f", and {self.count - 1:,} more" if self.count > 1 else ""
        return f"{self.reason}{shown}: {self.place}{more}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class BegunInterval:
    """A last interval that had only begun when its data were written: left out."""

    start: int  # epoch second
    until: int  # the last time that has rows, to the resolution of a slot


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
    begun: BegunInterval | None = None
