"""What mends a fault of rows, in the words of who reads them: an option of the command line, a setting of the service, or advice."""

from __future__ import annotations

import re
import shlex

from l4m.sources.tables.read_report import (
    JSON_CUT_OFF,
    NOT_A_NUMBER,
    NOT_UTF8,
    OPEN_QUOTE,
    OTHER_CHARSET,
    UNPARSABLE_TIME,
)
from l4m.sources.tables.table_spec import TableSpec
from l4m.sources.tables.time_guesses import guess_time_format, is_zone_named, reads

_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+),\d+|[-+]?\d{1,3}(\.\d{3})+,?\d*")
_POINT = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
_SPACED = re.compile(r"[-+]?\d{1,3}(([ \u00a0\u202f'])\d{3})(\2\d{3})*([.,]\d+)?")
_ADVICE = {
    NOT_UTF8: "write the file in UTF-8 throughout",
    OPEN_QUOTE: "close the quote, or double it if it belongs to the text",
    JSON_CUT_OFF: "was the file still being written?",
}


def remedy(reason: str, sample: str, spec: TableSpec) -> str:
    """What helps, as far as that can be told from the first of the rows; nothing where it cannot."""
    if reason.startswith(OTHER_CHARSET):
        return setting("charset", reason.rsplit(" ", 1)[-1], spec, "says so")
    if reason == UNPARSABLE_TIME:
        return _time(sample, spec)
    if reason == NOT_A_NUMBER:
        return _number(sample, spec)
    return _ADVICE.get(reason, "")


def setting(name: str, value: str, spec: TableSpec, does: str = "reads it") -> str:
    """A setting that helps, called as the reader knows it; nothing if the reader has none such.

    >>> from l4m.model import TimestampColumn
    >>> setting("charset", "ISO-8859-1", TableSpec(TimestampColumn("ts", "ISO"), (), 3600))
    'Charset ISO-8859-1 reads it'
    """
    called = spec.setting_names.get(name)
    return f"{called} {shlex.quote(value)} {does}" if called else ""


def number_settings(sample: str, spec: TableSpec) -> str:
    """The signs that make a number of a text such as 1.234,50."""
    text = sample.strip()
    if _POINT.fullmatch(text):
        return setting("thousands", ",", spec)
    if _COMMA.fullmatch(text):
        return _join(setting("thousands", ".", spec, "") if "." in text else "", setting("decimal", ",", spec))
    if spaced := _SPACED.fullmatch(text):
        return _join(setting("thousands", spaced[2], spec, ""), setting("decimal", ",", spec) if "," in text else "reads it")
    return ""


def has_marks(text: str) -> bool:
    """Whether a text is a number with a decimal comma or marks between its thousands.

    >>> [has_marks(text) for text in ("1,5", "1.234.567", "12 500.00", "n/a", "5 kg")]
    [True, True, True, False, False]
    """
    return any(shape.fullmatch(text.strip()) for shape in (_COMMA, _POINT, _SPACED))


def _time(sample: str, spec: TableSpec) -> str:
    if is_zone_named(sample):
        return f"names of zones such as {sample.rsplit(maxsplit=1)[-1]} are not unique: write an offset such as -08:00"
    found = guess_time_format([sample])
    if found == spec.timestamp.format or (found and not reads(found, sample)):
        return "there is no such day or time"
    return setting("timestamp-format", found, spec) if found else ""


def _number(sample: str, spec: TableSpec) -> str:
    advice = number_settings(sample, spec)
    if not advice and _COMMA.fullmatch(sample.strip()):
        return "write numbers with a decimal point"
    if not advice and re.search(r"\d", sample):
        return "write numbers without marks, units and currencies"
    return advice


def _join(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part)
