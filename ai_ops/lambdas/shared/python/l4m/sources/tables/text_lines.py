"""A text file's lines whatever ends them, in UTF-8 or the character set that it seems to be written in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from l4m.sources.tables.formats import DataFile, open_bytes
from l4m.sources.tables.mended import LineCounter
from l4m.sources.tables.read_report import NOT_UTF8

_PIECE = 1 << 20
_WESTERN = ("ISO-8859-1", "WINDOWS-1252")  # the second has letters where the first has control characters
_CONTROLS = re.compile(rb"[\x80-\x9f]")


@dataclass(frozen=True)
class Writing:
    """How a file is written: what ends its lines, and its character set where it is not UTF-8."""

    line_end: bytes
    charset: str = ""
    foreign: int = 0  # lines that are not UTF-8
    line: int = 0  # the first of them
    sample: str = ""


def find_writing(file: DataFile) -> Writing:
    """Look through a file: where no line is UTF-8 beyond ASCII and some are something else, it is in another character set."""
    line_end = b""
    number = 1
    plain = 0
    foreign = 0
    first = 0
    sample = b""
    has_controls = False
    for piece in _whole_lines(file):
        line_end = line_end or _line_end(piece)
        if not _is_utf8(piece):
            for count, line in enumerate(piece.split(line_end)):
                if line.isascii():
                    continue
                if _is_utf8(line):
                    plain += 1
                    continue
                first, sample = (first, sample) if foreign else (number + count, line)
                foreign = foreign + 1
                has_controls = has_controls or bool(_CONTROLS.search(line))
        elif not piece.isascii():
            plain += 1
        number += piece.count(line_end)
    if not foreign or plain:
        return Writing(line_end or b"\n", "", foreign, first)
    charset = _WESTERN[has_controls]
    return Writing(line_end, charset, foreign, first, sample.decode(charset, "replace"))


def read_lines(file: DataFile, writing: Writing, refused: LineCounter) -> Iterator[str]:
    """Pieces of text of whole lines, each ended by a line feed; one that its character set does not know is left empty."""
    number = 1
    for piece in _whole_lines(file):
        text = _decode(_even(piece, writing.line_end), writing.charset or "utf-8", refused, number)
        yield text if text.endswith("\n") else text + "\n"
        number += text.count("\n")


def _whole_lines(file: DataFile) -> Iterator[bytes]:
    """The file in pieces that end where lines do; without its byte order mark."""
    rest = b""
    line_end = b""
    with open_bytes(file) as content:
        start = content.read(_PIECE)
        piece = start.removeprefix(codecs.BOM_UTF8)
        while piece:
            line_end = line_end or _line_end(piece)
            end = piece.rfind(line_end) + 1
            if end:
                yield rest + piece[:end]
                rest = piece[end:]
            else:
                rest += piece
            piece = content.read(_PIECE)
    if rest:
        yield rest


def _line_end(piece: bytes) -> bytes:
    return b"\r" if b"\r" in piece and b"\n" not in piece else b"\n"


def _even(piece: bytes, line_end: bytes) -> bytes:
    if b"\r" not in piece:
        return piece
    if line_end == b"\r":
        return piece.replace(b"\r", b"\n")
    return piece.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b" ")


def _decode(piece: bytes, charset: str, refused: LineCounter, number: int) -> str:
    try:
        return piece.decode(charset, "replace" if charset != "utf-8" else "strict")
    except UnicodeDecodeError:
        return "\n".join(_decode_line(line, refused, number + count) for count, line in enumerate(piece.split(b"\n")))


def _decode_line(line: bytes, refused: LineCounter, number: int) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        refused.add(NOT_UTF8, number, line.decode("ascii", "replace"))
        return ""


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
