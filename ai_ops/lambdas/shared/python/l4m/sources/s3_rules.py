"""What must hold for files in S3: roles, paths, file formats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat, MetricSet, S3Source
from l4m.sources.paths import check_template
from l4m.sources.roles import role_faults

PATH_LETTERS = frozenset("yMdDHmsak")
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")
_PATTERN = re.compile(r"\{\{(.*?)\}\}")


def metric_set_faults(metric_set: MetricSet, account: str) -> list[Fault]:
    """Everything that is wrong with the files of a metric set, whose source they are."""
    source = cast(S3Source, metric_set.source)
    return [*s3_faults(source, account), *_time_faults(source), *_header_faults(metric_set, source.format)]


def s3_faults(source: S3Source, account: str) -> list[Fault]:
    """Everything that is wrong with files in S3, whatever is in them."""
    faults = list(role_faults("source.role_arn", source.role_arn, account))
    if source.templated_path is None and source.historical_path is None:
        faults.append(Fault("source", "needs a templated path, a historical path, or both"))
    if source.templated_path is not None:
        faults += template_faults(source.templated_path)
    if source.historical_path is not None and not _BUCKET.fullmatch(source.historical_path):
        faults.append(Fault("source.historical_path", f"{source.historical_path!r} names no bucket"))
    return faults + list(_format_faults(source.format))


def template_faults(template: str) -> list[Fault]:
    """Everything that is wrong with a path that holds times in double braces."""
    faults = []
    if not _BUCKET.fullmatch(template):
        faults.append(Fault("source.templated_path", f"{template!r} names no bucket"))
    if re.search(r"[{}]", _PATTERN.sub("", template)):
        faults.append(Fault("source.templated_path", f"{template!r} has a brace without its partner; times stand in {{{{ and }}}}"))
    for pattern in _PATTERN.findall(template):
        unknown = sorted(set(re.findall(r"[A-Za-z]", pattern)) - PATH_LETTERS)
        if unknown or not pattern:
            what = f"has the unknown letters {', '.join(unknown)}" if unknown else "is empty"
            faults.append(Fault("source.templated_path", f"{{{{{pattern}}}}} {what}; y M d H m s a k are known"))
    return faults or _rendering_faults(template)


def _time_faults(source: S3Source) -> Iterator[Fault]:
    """Without a time in its path, no interval could tell its own files from all that ever came."""
    path = source.templated_path
    if path is not None and not any(PATH_LETTERS & set(pattern) for pattern in _PATTERN.findall(path)):
        advice = "end it in a time, such as {{yyyyMMdd}}/{{HHmm}}"
        yield Fault("source.templated_path", f"{path!r} holds no time, so every interval would read all files again; {advice}")


def _rendering_faults(template: str) -> list[Fault]:
    try:
        check_template(template)
    except InvalidInput as error:
        return [Fault("source.templated_path", fault.message) for fault in error.faults]
    return []


def _format_faults(text: CsvFormat | JsonFormat) -> Iterator[Fault]:
    try:
        "a".encode(text.charset)
    except (LookupError, UnicodeError):
        kind = "csv" if isinstance(text, CsvFormat) else "json"
        yield Fault(f"source.{kind}.charset", f"{text.charset!r} is not a known character set")
    if isinstance(text, CsvFormat):
        if text.delimiter == text.quote:
            yield Fault("source.format.quote", f"{text.quote!r} is the delimiter too")
        if not text.has_header and not text.headers:
            yield Fault("source.format.headers", "is required for files without a header")
        if len(set(text.headers)) < len(text.headers):
            yield Fault("source.format.headers", "names a column twice")


def _header_faults(metric_set: MetricSet, text: CsvFormat | JsonFormat) -> Iterator[Fault]:
    if isinstance(text, CsvFormat) and text.headers:
        used = [measure.name for measure in metric_set.measures] + list(metric_set.dimensions)
        used += [metric_set.timestamp.name] if metric_set.timestamp else []
        missing = [name for name in used if name not in text.headers]
        if missing:
            yield Fault("source.format.headers", f"lacks {', '.join(missing)}")
