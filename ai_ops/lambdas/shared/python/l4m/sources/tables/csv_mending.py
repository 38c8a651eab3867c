"""Delimited text written anew so that the fast reader takes every row of it: line ends, character set, quotes that never close."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from l4m.model import CsvFormat
from l4m.sources.tables.formats import DataFile
from l4m.sources.tables.mended import LineCounter, Mended
from l4m.sources.tables.read_report import LOOSE_QUOTE, MISPLACED_QUOTE, OPEN_QUOTE, OTHER_CHARSET
from l4m.sources.tables.text_lines import find_writing, read_lines

_MOST_LINES = 1_000  # of one row: a field with more is a quote that never closes
_MOST_CHARACTERS = 1 << 20


def mend_csv(file: DataFile, form: CsvFormat, width: int, target: Path) -> Mended:
    """Write a file to ``target`` in UTF-8, a line for a line; what is no row becomes an empty one.

    ``width`` is the number of columns: a row over several lines that has another number is a quote that never closes.
    """
    writing = find_writing(file)
    refused = LineCounter()
    changed = LineCounter()
    if writing.charset:
        changed.add(f"{OTHER_CHARSET}; read as {writing.charset}", writing.line, writing.sample, writing.foreign)
    with target.open("w", encoding="utf-8", newline="") as out:
        rows = _Rows(out, form, width, refused, changed)
        for text in read_lines(file, writing, refused):
            rows.take(text)
        rows.finish()
    return Mended(target, refused.found, changed.found)


class _Rows:
    """Takes whole lines and writes rows."""

    def __init__(self, out: IO[str], form: CsvFormat, width: int, refused: LineCounter, changed: LineCounter) -> None:
        self._out = out
        self._form = form
        self._width = width
        self._refused = refused
        self._changed = changed
        self._open: list[str] = []  # lines of a row that has not ended yet
        self._line = 1  # number of the first line that is not written yet

    def take(self, text: str) -> None:
        """Write the rows of some lines; one that has not ended waits for the next."""
        if not self._form.quote or (not self._open and self._form.quote not in text):
            self._write(text, text.count("\n"))
            return
        self._take_lines([*self._open, *text.split("\n")[:-1]], is_end=False)

    def finish(self) -> None:
        """Write what is left."""
        self._take_lines(self._open, is_end=True)

    def _take_lines(self, lines: list[str], *, is_end: bool) -> None:
        begin = 0
        self._open = []
        while begin < len(lines):
            if self._form.quote not in lines[begin]:
                self._write(lines[begin] + "\n", 1)
                begin += 1
                continue
            count, record, reason = self._read_row(lines, begin, is_end)
            if count == 0:
                self._open = lines[begin:]
                return
            if record is None:
                record = self._give_up(lines[begin], reason)
            self._write("\n" if record is None else self._format(record), count)
            begin += count

    def _give_up(self, line: str, reason: str) -> list[str] | None:
        """Count a line whose quotes are no quotes; its fields all the same, if there are as many as there should be without them."""
        fields = line.split(self._form.delimiter)
        if reason != OPEN_QUOTE or len(fields) != self._width:
            self._refused.add(reason, self._line, line)
            return None
        self._changed.add(LOOSE_QUOTE, self._line, line)
        return [field.strip().strip(self._form.quote) for field in fields]

    def _read_row(self, lines: Sequence[str], begin: int, is_end: bool) -> tuple[int, list[str] | None, str]:
        """How many lines the row takes (0: not known yet), its fields, and else why it is none."""
        record, is_open = self._parse(lines[begin])
        if not is_open:
            return 1, record, MISPLACED_QUOTE
        text = [lines[begin]]
        characters = len(lines[begin])
        for line in lines[begin + 1 :]:
            text.append(line)
            characters += len(line)
            if len(text) > _MOST_LINES or characters > _MOST_CHARACTERS:
                return 1, None, OPEN_QUOTE
            if self._form.quote in line:
                record, is_open = self._parse("\n".join(text))
                if not is_open:
                    is_row = record is not None and len(record) == self._width
                    return (len(text), record, "") if is_row else (1, None, OPEN_QUOTE)
        return (1, None, OPEN_QUOTE) if is_end else (0, None, "")

    def _parse(self, text: str) -> tuple[list[str] | None, bool]:
        """The fields of a row, None where quotes are misplaced; and whether it has not ended."""
        for escape in (None, "\\") if "\\" in text else (None,):
            reader = csv.reader([text], delimiter=self._form.delimiter, quotechar=self._form.quote, escapechar=escape, strict=True)
            try:
                return next(reader), False
            except csv.Error as error:
                if "unexpected end" in str(error) and escape is None and "\\" not in text:
                    return None, True
                problem = str(error)
        return None, "unexpected end" in problem

    def _format(self, record: Sequence[str]) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self._form.delimiter, quotechar=self._form.quote, lineterminator="\n").writerow(record)
        return line.getvalue()

    def _write(self, text: str, lines: int) -> None:
        self._out.write(text)
        self._line += lines
