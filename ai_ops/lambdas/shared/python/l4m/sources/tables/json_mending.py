"""JSON written anew with one object a line: arrays and indented objects taken apart, lines that are no object counted by what they are."""

from __future__ import annotations

import codecs
import json
import re
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from l4m.sources.tables.formats import DataFile, first_lines, open_bytes
from l4m.sources.tables.mended import LineCounter, Mended
from l4m.sources.tables.read_report import JSON_BROKEN, JSON_CUT_OFF, JSON_NO_OBJECT, JSON_TOO_DEEP, OTHER_CHARSET
from l4m.sources.tables.text_lines import find_writing, read_lines

_MARGINS = " \t\r\n\ufeff\x1a"  # around a line: blanks, byte order marks of files joined together, the end of a DOS file
_LONGEST = 1 << 24  # characters of an object
_OBJECT = re.compile(r"\n[ \t]*\{")
_NEEDS_WORK = re.compile(r"[\x00-\x1f]|\\u[dD][89a-fA-F]")  # control characters, halves of characters
_SPACE = re.compile(r"[\s,\ufeff\x1a]*")


def is_one_object_a_line(file: DataFile) -> bool:
    """Whether a file begins as the fast reader takes it: no byte order mark, and a first line that is a whole object."""
    with open_bytes(file) as content:
        if content.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
            return False
    return _is_object(first_lines(file, 1)[0])


def mend_json(file: DataFile, target: Path) -> Mended:
    """Write the objects of a file to ``target``, one a line."""
    writing = find_writing(file)
    refused = LineCounter()
    changed = LineCounter()
    if writing.charset:
        changed.add(f"{OTHER_CHARSET}; read as {writing.charset}", writing.line, writing.sample, writing.foreign)
    with target.open("w", encoding="utf-8", newline="") as out:
        objects = _Objects(out, refused)
        texts = read_lines(file, writing, refused)
        if _has_lines(file):
            objects.take_lines(texts)
        else:
            objects.take_document(texts)
    return Mended(target, refused.found, changed.found, objects.lines)


def _has_lines(file: DataFile) -> bool:
    """Whether one object a line is meant, however broken: not an array, and no object that goes over lines."""
    lines = first_lines(file, 1_000)
    text = "".join(lines).strip(_MARGINS)
    if text.startswith("["):
        return False
    if any(_is_object(line) for line in lines):
        return True
    try:
        json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return True
    return False


class _Objects:
    """Takes text and writes objects."""

    def __init__(self, out: IO[str], refused: LineCounter) -> None:
        self.lines = array("q")  # the line of each object
        self._out = out
        self._refused = refused
        self._decoder = json.JSONDecoder(strict=False)

    def take_lines(self, texts: Iterator[str]) -> None:
        """Write the objects of text that has one a line, or several in a row."""
        lines = chain.from_iterable(text.split("\n")[:-1] for text in texts)
        for number, line in enumerate(lines, 1):
            if stripped := line.strip(_MARGINS):
                self._take_line(stripped, number)

    def take_document(self, texts: Iterator[str]) -> None:
        """Write the objects of a text that is an array of them, or one after the other over many lines."""
        text = ""
        place = 0
        line = 1
        is_last = False
        while True:
            begin = _SPACE.match(text, place).end()  # type: ignore[union-attr]  # matches nothing, too
            line, place = line + text.count("\n", place, begin), begin
            if place < len(text) and text[place] in "[]":
                place += 1
                continue
            found = self._decode(text, place)
            if isinstance(found, str) and not is_last and len(text) - place < _LONGEST:
                piece = next(texts, None)
                is_last = piece is None
                text = text[place:] + (piece or "")
                place = 0
                continue
            if place >= len(text):
                return
            end = self._resume(text, place) if isinstance(found, str) else found
            if isinstance(found, str):
                self._refused.add(found, line, text[place:end])
            else:
                self._write(text[place:end], line)
            line, place = line + text.count("\n", place, end), end

    def _decode(self, text: str, place: int) -> int | str:
        """Where the value ends that begins at a place; or why there is none."""
        try:
            return self._decoder.raw_decode(text, place)[1]
        except json.JSONDecodeError as error:
            return JSON_CUT_OFF if _is_end(error, text) else JSON_BROKEN
        except RecursionError:
            return JSON_TOO_DEEP

    def _resume(self, text: str, place: int) -> int:
        """Where the next object may begin after one that is broken."""
        following = _OBJECT.search(text, place + 1)
        return following.start() if following else len(text)

    def _take_line(self, line: str, number: int) -> None:
        place = 0
        objects = []
        while place < len(line):
            found = self._decode(line, place)
            if isinstance(found, str):
                self._refused.add(found, number, line)
                return
            objects.append(line[place:found])
            place = _SPACE.match(line, found).end()  # type: ignore[union-attr]  # matches nothing, too
        for text in objects:
            self._write(text, number)

    def _write(self, text: str, number: int) -> None:
        if not text.startswith("{"):
            self._refused.add(JSON_NO_OBJECT, number, text)
            return
        self._out.write(_on_one_line(text) + "\n")
        self.lines.append(number)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_end(error: json.JSONDecodeError, text: str) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()) - 1


def _on_one_line(text: str) -> str:
    """An object's text without line feeds, and without what only lenient readers take."""
    if _NEEDS_WORK.search(text):
        return json.dumps(json.loads(text, strict=False), ensure_ascii=False).encode("utf-8", "replace").decode()
    return text
