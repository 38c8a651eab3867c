"""Looking into a user's files: their first rows, and the settings that fit them."""

from __future__ import annotations

import csv
from typing import Any

from l4m.answers import Detected, DetectedConfig, Sample
from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat, S3Source
from l4m.service.access import user_client
from l4m.service.context import Context
from l4m.sources.paths import fixed_part
from l4m.sources.s3 import S3File, list_history, list_under, read_head
from l4m.sources.tables.sniffing import Head, guess_charset, guess_delimiter, guess_frequency, guess_header, parse_head, unpack

HEAD_BYTES = 1 << 18
SAMPLE_ROWS = 10


def read_sample(context: Context, source: S3Source) -> Sample:
    """Names of the columns and the first rows of the first file."""
    client = user_client(context, source.role_arn, "s3")
    file = _first_file(client, source.templated_path, source.historical_path)
    head = parse_head(read_head(client, file, HEAD_BYTES), source.format, SAMPLE_ROWS, file.size <= HEAD_BYTES)
    return Sample(head.columns, head.rows)


def detect_config(context: Context, detector_arn: str, templated_path: str | None, historical_path: str | None) -> DetectedConfig:
    """Settings that fit the files; they are read under the role of the detector's metric set, or else the service's own."""
    context.resources.detector(detector_arn)
    sources = [one.source for one in context.resources.metric_sets(detector_arn) if isinstance(one.source, S3Source)]
    client = user_client(context, sources[0].role_arn, "s3") if sources else context.clients.client("s3")
    file = _first_file(client, templated_path, historical_path)
    compression, content = unpack(read_head(client, file, HEAD_BYTES))
    charset = guess_charset(content)
    lines = content.decode(charset, errors="replace").splitlines()[:100]
    if lines and lines[0].lstrip().startswith("{"):
        return _detect_json(compression, charset, parse_head(content, JsonFormat(charset=charset), 90, is_whole=False))
    return _detect_csv(compression, charset, lines)


def _detect_json(compression: str, charset: str, head: Head) -> DetectedConfig:
    form = {"FileCompression": Detected(compression, "HIGH"), "Charset": Detected(charset, "LOW")}
    return DetectedConfig(_offset(), _frequency(head.rows), "json", form)


def _detect_csv(compression: str, charset: str, lines: list[str]) -> DetectedConfig:
    delimiter = guess_delimiter(lines)
    rows = list(csv.reader(lines, delimiter=delimiter))
    has_header = guess_header(rows)
    head = parse_head("\n".join([*lines, ""]).encode(), CsvFormat(has_header=has_header, delimiter=delimiter), 90, is_whole=True)
    form = {
        "FileCompression": Detected(compression, "HIGH"),
        "Charset": Detected(charset, "LOW"),
        "ContainsHeader": Detected(str(has_header).lower(), "HIGH" if has_header else "LOW"),
        "Delimiter": Detected(delimiter, "HIGH" if len(head.columns) > 1 else "LOW"),
        "HeaderList": Detected(head.columns, "HIGH" if has_header else "NONE", "" if has_header else "the columns have no names"),
        "QuoteSymbol": Detected('"', "LOW"),
    }
    return DetectedConfig(_offset(), _frequency(head.rows), "csv", form)


def _frequency(rows: Any) -> Detected:
    found = guess_frequency(rows)
    return Detected(found.value, "LOW") if found else Detected(None, "NONE", "no column holds ISO times")


def _offset() -> Detected:
    return Detected(0.0, "LOW", "files do not say how late they come")


def _first_file(client: Any, templated_path: str | None, historical_path: str | None) -> S3File:
    if historical_path and (files := list_history(client, historical_path)):
        return files[0]
    if templated_path and (file := next(list_under(client, fixed_part(templated_path)), None)):
        return file
    raise InvalidInput(Fault("S3SourceConfig", f"no file under {historical_path or templated_path}"))
