"""Files made ready to be read: unpacked, in UTF-8, under a name without wildcards, and refused by name if they are no table at all."""

from __future__ import annotations

import bz2
import codecs
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from l4m.errors import Fault, InvalidInput
from l4m.sources.tables.formats import DataFile, TextOptions, cannot_be_read, excel_delimiter, open_bytes

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_BZIP2 = b"BZh"
_XZ = b"\xfd7zXZ"
_FOREIGN = {
    b"\x28\xb5\x2f\xfd": "is packed with zstd; pack it with gzip",
    b"7z\xbc\xaf": "is a 7z archive; unpack it",
    b"Rar!": "is a RAR archive; unpack it",
    b"\xd0\xcf\x11\xe0": "is an old Excel or Word file; save it as CSV",
    b"%PDF": "is a PDF",
    b"SQLite format 3": "is an SQLite database; export its table as CSV",
    b"ORC": "is an ORC file; CSV, JSON lines and Parquet are read",
    b"Obj\x01": "is an Avro file; CSV, JSON lines and Parquet are read",
    b"ARROW1": "is an Arrow file; CSV, JSON lines and Parquet are read",
}  # first bytes -> what to say of it
_PAGES = (b"<!doctype", b"<html", b"<?xml")
_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}  # the longer ones first: one begins as a shorter one does
_WILDCARDS = set("*?[")
_PIECE = 1 << 20
_HEAD = 4096


def prepare(path: Path, name: str, folder: Path) -> list[DataFile]:
    """A file ready to be looked into, or those of an archive; what is written on the way goes into ``folder``."""
    with _refused_by_name(name):
        with path.open("rb") as file:
            head = file.read(_HEAD)
        _check_kind(head, name)
        if head.startswith(_ZIP):
            return [find_begin(one) for one in _unzip(path, name, folder)]
        opener: Any = bz2.open if head.startswith(_BZIP2) else lzma.open if head.startswith(_XZ) else None
        if opener:
            with opener(path, "rb") as packed:
                return [find_begin(DataFile(_copy(packed, folder), name))]
        if _WILDCARDS & set(str(path)):
            link = _new(folder)
            link.symlink_to(path.resolve())
            path = link
        return [find_begin(DataFile(path, name, head.startswith(_GZIP)))]


def decode(file: DataFile, charset: str, folder: Path) -> DataFile:
    """A text file in UTF-8: one that is stated, or marked, to be written otherwise is written anew."""
    stated = _codec(charset)
    found = "" if stated not in ("utf-8", "ascii") else _wide_charset(file)
    if stated in ("utf-8", "ascii") and not found:
        return file
    return find_begin(replace(file, path=_transcode(file, found or stated, folder), is_gzip=False, charset=found))


def skip_lines(file: DataFile, text: TextOptions, first_line: str) -> DataFile:
    """A file of delimited text and the lines before its header: as many as said, else blank ones and the one that names a delimiter."""
    return replace(file, skip=max(text.skip, file.blank) if text.skip else file.blank + bool(excel_delimiter([first_line])))


def find_begin(file: DataFile) -> DataFile:
    """The file and where its first line begins that is not blank."""
    begin = blank = 0
    with _refused_by_name(file.name), open_bytes(file) as content:
        while piece := content.read(_PIECE):
            text = piece.lstrip()
            before = piece[: len(piece) - len(text)]
            end = before.rfind(b"\n") + 1 if text else len(before)
            begin, blank = begin + end, blank + before.count(b"\n")
            if text:
                break
    return replace(file, begin=begin, blank=blank)


def _check_kind(head: bytes, name: str) -> None:
    what = next((message for mark, message in _FOREIGN.items() if head.startswith(mark)), "")
    if head.lstrip().lower().startswith(_PAGES):
        what = "is a web page or XML; CSV, JSON lines and Parquet are read"
    if what:
        raise InvalidInput(Fault(name, what))


def _unzip(path: Path, name: str, folder: Path) -> Iterator[DataFile]:
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.namelist() if not one.endswith("/") and not one.startswith("__MACOSX")]
        if "[Content_Types].xml" in names:
            raise InvalidInput(Fault(name, "is a file of Excel or Word; save the sheet as CSV"))
        if not names:
            raise InvalidInput(Fault(name, "is an archive without files"))
        for member in names:
            with archive.open(member) as content:
                head = content.read(_HEAD)
            shown = name if len(names) == 1 else f"{name}/{member}"
            _check_kind(head, shown)
            with archive.open(member) as content:
                yield DataFile(_copy(content, folder), shown, head.startswith(_GZIP))


def _copy(content: Any, folder: Path) -> Path:
    target = _new(folder)
    with target.open("wb") as out:
        shutil.copyfileobj(content, out, _PIECE)
    return target


def _transcode(file: DataFile, charset: str, folder: Path) -> Path:
    target = _new(folder)
    with _refused_by_name(file.name), open_bytes(file) as source, target.open("w", encoding="utf-8", newline="") as out:
        decoder = codecs.getincrementaldecoder(charset)()
        try:
            while piece := source.read(_PIECE):
                out.write(decoder.decode(piece))
            out.write(decoder.decode(b"", final=True))
        except UnicodeError as error:
            raise InvalidInput(Fault(file.name, f"is not written in {charset}: {error}")) from error
    return target


def _codec(charset: str) -> str:
    """Python's name of a character set; codecs of another kind, such as ROT13, are none."""
    try:
        info = codecs.lookup(charset)
        "é".encode(charset, "replace").decode(charset, "replace")
    except (LookupError, UnicodeError, ValueError, TypeError) as error:
        raise InvalidInput(Fault("charset", f"{charset!r} is not known")) from error
    return info.name


def _wide_charset(file: DataFile) -> str:
    """UTF-16 or UTF-32 if the file is marked as such, or every other byte of its head is zero; else nothing."""
    with _refused_by_name(file.name), open_bytes(file) as content:
        head = content.read(_HEAD)
    marked = next((charset for mark, charset in _MARKS.items() if head.startswith(mark)), "")
    if marked or len(head) < 4:
        return marked
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 2 < len(head) * 0.8 or min(even, odd) * 2 > len(head) * 0.2:
        return ""
    return "UTF-16LE" if odd > even else "UTF-16BE"


def _new(folder: Path) -> Path:
    return folder / f"{len(list(folder.iterdir())):06d}"


@contextmanager
def _refused_by_name(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError) as error:
        raise cannot_be_read(name, error) from error
