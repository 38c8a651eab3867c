"""Faults of rows while they are read: counted by reason and column, the first of each remembered with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l4m.model import JsonFormat
from l4m.sources.tables.fault_location import line_at, locate
from l4m.sources.tables.formats import DataFile
from l4m.sources.tables.mended import Lines
from l4m.sources.tables.read_report import MISSING_DIMENSION, MISSING_MEASURE, MISSING_TIME, OTHER_CHARSET, RowFault
from l4m.sources.tables.remedies import remedy
from l4m.sources.tables.scan_plan import Scan, count_broken_json
from l4m.sources.tables.table_spec import TableSpec

_EMPTY = (MISSING_DIMENSION, MISSING_MEASURE, MISSING_TIME)
_UNSURE = ("UNQUOTED VALUE", "INVALID ENCODING", "LINE SIZE OVER MAXIMUM")  # of such a line it is not known how many rows it is
_SHOWN = 60
_BLANKS = "' ' || chr(9) || chr(13) || chr(26)"  # of a line that is none, or ends a DOS file
_REFUSED = f"""
WITH lines AS (
  SELECT file_path AS path, line, min(line_byte_position) AS position, arg_min(error_type::VARCHAR, coalesce(column_idx, -1)) AS kind,
    arg_min(coalesce(column_name, ''), coalesce(column_idx, -1)) AS column_name, min(csv_line[:{_SHOWN}]) AS text
  FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
  WHERE trim(csv_line, {_BLANKS}) <> '' GROUP BY ALL)
SELECT path, kind, column_name, count(*), arg_min(position, line), arg_min(text, line) FROM lines GROUP BY ALL ORDER BY path, min(line)
"""


class NeedsMending(Exception):
    """Files of text that the fast reader does not read as they are meant."""

    def __init__(self, files: Sequence[DataFile]) -> None:
        super().__init__(", ".join(file.name for file in files))
        self.files = files


class RowFaults:
    """Faults of all scans."""

    def __init__(self, spec: TableSpec) -> None:
        self.empty: Counter[str] = Counter()
        self._spec = spec
        self._found: Counter[tuple[str, str]] = Counter()
        self._where: dict[tuple[str, str], tuple[str, int, str]] = {}  # file, line, sample
        self._open: dict[tuple[str, str], tuple[int, int]] = {}  # file number and row of this scan, not located yet
        self._refused: dict[str, set[int]] = {}

    def begin(self, scan: Scan) -> None:
        """Start counting rows at the first file of a scan."""
        self._scan = scan
        self._rows_before = np.zeros(len(scan.files), np.int64)
        self._refused = {}
        self._timeless: set[int] = set()  # files with rows that have no time

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
        if reason == MISSING_TIME:
            self._timeless |= set(np.unique(self._file[rows]).tolist())
        if key not in self._where and key not in self._open:
            row = int(rows[0])
            file = int(self._file[row])
            self._open[key] = file, int(self._rows_before[file] + np.count_nonzero(self._file[:row] == file))

    def collect_refused(self, connection: Any) -> int:
        """Take over the lines of delimited text that are no rows; returns how many.

        Raises
        ------
        NeedsMending
            Of a line it is not known how many rows it stands for.
        """
        found = connection.execute(_REFUSED).fetchall()
        files = {str(file.path): file for file in self._scan.files}
        unsure = {path for path, kind, *_ in found if kind in _UNSURE and files[path].mended is None}
        if self._open or unsure:
            self._remember_refused(connection)
        connection.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
        if unsure:
            raise NeedsMending([files[path] for path in unsure])
        for path, kind, column, count, position, text in found:
            line = line_at(files[path], int(position))
            self._add(f"line refused, {kind.lower()}", column, Lines("", count, line, text), files[path])
        return sum(count for *_, count, _, _ in found)

    def collect_mended(self) -> int:
        """Take over what was found when files were written anew; returns how many lines of them were refused."""
        count = 0
        for number, file in enumerate(self._scan.files):
            for lines in file.mended.refused if file.mended else ():
                self._add(lines.reason, "", lines, file)
                count += lines.count
            for lines in file.mended.changed if file.mended else ():
                self._add(lines.reason, "", lines, file)
            if file.charset:
                self._add(f"{OTHER_CHARSET}; read as {file.charset}", "", Lines("", int(self._rows_before[number]), 1, ""), file)
        return count

    def check_json(self, connection: Any) -> None:
        """Raise NeedsMending for files of JSON in which rows without a time are lines that are no objects."""
        files = [self._scan.files[number] for number in self._timeless] if isinstance(self._scan.format, JsonFormat) else []
        broken = [file for file in files if file.mended is None and count_broken_json(connection, file)]
        if broken:
            raise NeedsMending(broken)

    def finish(self, connection: Any) -> None:
        """Find the lines of the faults that this scan brought, while its files are there."""
        for key, (number, row) in self._open.items():
            file = self._scan.files[number]
            refused = self._refused.get(str(file.path), ())
            self._where[key] = (file.name, *locate(connection, self._scan, file, row, column=key[1], refused=refused))
        self._open = {}

    def faults(self) -> tuple[RowFault, ...]:
        """What was found, most frequent first."""
        found = [(reason, column, count, *self._where[reason, column]) for (reason, column), count in self._found.most_common()]
        return tuple(RowFault(*one, remedy=remedy(one[0], one[-1], self._spec)) for one in found)

    def count(self, reason: str) -> int:
        """How many rows were counted under a reason."""
        return sum(count for (known, _), count in self._found.items() if known == reason)

    def _add(self, reason: str, column: str, lines: Lines, file: DataFile) -> None:
        self._found[reason, column] += lines.count
        self._where.setdefault((reason, column), (file.name, lines.line, lines.sample))

    def _remember_refused(self, connection: Any) -> None:
        query = "SELECT DISTINCT file_path, line FROM reject_errors JOIN reject_scans USING (scan_id, file_id)"
        for path, line in connection.execute(query).fetchall():
            self._refused.setdefault(path, set()).add(int(line))
