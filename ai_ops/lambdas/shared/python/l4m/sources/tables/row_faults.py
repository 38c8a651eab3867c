"""Faults of rows while they are read: counted by reason and column, the first of each remembered with its place."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.sources.tables.fault_location import line_at, locate
from l4m.sources.tables.formats import Scan
from l4m.sources.tables.read_report import MISSING_DIMENSION, MISSING_MEASURE, MISSING_TIME, RowFault

_EMPTY = (MISSING_DIMENSION, MISSING_MEASURE, MISSING_TIME)
_SHOWN = 60


class RowFaults:
    """Faults of all scans."""

    def __init__(self) -> None:
        self.empty: Counter[str] = Counter()
        self._found: Counter[tuple[str, str]] = Counter()
        self._where: dict[tuple[str, str], tuple[str, int, str]] = {}  # file, line, sample
        self._open: dict[tuple[str, str], tuple[int, int]] = {}  # file number and row of this scan, not located yet
        self._refused: dict[str, list[int]] = {}

    def begin(self, scan: Scan) -> None:
        """Start counting rows at the first file of a scan."""
        self._scan = scan
        self._rows_before = np.zeros(len(scan.files), np.int64)
        self._refused = {}

    def enter(self, length: int, file: NDArray[np.int32]) -> None:
        """Begin a batch of rows; ``file`` tells which file each is from."""
        self._length = length
        self._file = file

    def leave(self) -> None:
        """End the batch."""
        if len(self._rows_before) == 1:
            self._rows_before[0] += self._length
        else:
            self._rows_before += np.bincount(self._file, minlength=len(self._rows_before))

    def note(self, reason: str, column: str, rows: NDArray[np.intp]) -> None:
        """Count rows of the batch under a reason."""
        if not len(rows):
            return
        key = (reason, column)
        self._found[key] += len(rows)
        if reason in _EMPTY:
            self.empty[column] += len(rows)
        if key not in self._where and key not in self._open:
            row = int(rows[0])
            file = int(self._file[row])
            self._open[key] = file, int(self._rows_before[file] + np.count_nonzero(self._file[:row] == file))

    def collect_refused(self, connection: Any) -> int:
        """Take over the lines of delimited text that are no rows; returns how many."""
        lines = connection.execute(
            "SELECT DISTINCT s.file_path, e.line, e.line_byte_position, e.error_type::VARCHAR, e.column_name, e.csv_line "
            "FROM reject_errors e JOIN reject_scans s USING (scan_id, file_id) ORDER BY ALL"
        ).fetchall()
        connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
        files = {str(file.path): file for file in self._scan.files}
        place = {name: number for number, name in enumerate(self._scan.types)}
        for path, record, position, kind, column, text in sorted(lines, key=lambda line: (*line[:2], place.get(line[4], -1))):
            if int(record) in self._refused.get(path, ()):
                continue  # a line may lack several columns, and is one row all the same
            key = (f"line refused, {kind.lower()}", column or "")
            self._found[key] += 1
            if key not in self._where:
                self._where[key] = files[path].name, line_at(files[path], int(position)), str(text)[:_SHOWN]
            self._refused.setdefault(path, []).append(int(record))
        return sum(len(set(numbers)) for numbers in self._refused.values())

    def finish(self, connection: Any) -> None:
        """Find the lines of the faults that this scan brought, while its files are there."""
        for key, (number, row) in self._open.items():
            file = self._scan.files[number]
            refused = set(self._refused.get(str(file.path), ()))
            self._where[key] = (file.name, *locate(connection, self._scan, file, row, column=key[1], refused=refused))
        self._open = {}

    def faults(self) -> tuple[RowFault, ...]:
        """What was found, most frequent first."""
        return tuple(RowFault(reason, column, count, *self._where[reason, column]) for (reason, column), count in self._found.most_common())
