"""Data of which a format reads one part wrongly and refuses the other: days and months swapped, decimal commas."""

from __future__ import annotations

from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.read_report import NOT_A_NUMBER, UNPARSABLE_TIME, ReadReport, RowFault
from l4m.sources.tables.remedies import has_marks, setting
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.time_guesses import reads, swap_day_and_month

_SHARE = 0.01  # of the rows: fewer are slips


def check_half_read(report: ReadReport, spec: TableSpec) -> None:
    """Refuse a table whose refused rows say that those which were read mean something else."""
    faults = [fault for one in report.faults if one.count >= _SHARE * report.rows and (fault := _find(one, spec, report.rows))]
    if faults:
        raise InvalidInput(*faults)


def _find(fault: RowFault, spec: TableSpec, rows: int) -> Fault | None:
    share = f"{fault.count:,} of {rows:,} rows"
    if fault.reason == UNPARSABLE_TIME:
        swapped = swap_day_and_month(spec.timestamp.format)
        if swapped and reads(swapped, fault.sample):
            advice = setting("timestamp-format", swapped, spec)
            message = f"{spec.timestamp.format!r} does not read {fault.sample!r} ({share}), and so takes days for months in the others"
            return Fault(fault.place, message + (f"; {advice}" if advice else ""))
    if fault.reason == NOT_A_NUMBER and has_marks(fault.sample):
        message = f"{fault.sample!r} ({share}) is no number, and others like it may have been read as another"
        return Fault(fault.place, message + (f"; {fault.remedy}" if fault.remedy else ""))
    return None
