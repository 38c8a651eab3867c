"""Looking into a user's files: their first rows, and the settings that fit them."""

from __future__ import annotations

import csv
from functools import partial
from typing import Any

from l4m.answers import Detected, DetectedConfig, Sample
from l4m.errors import Fault, InvalidInput
from l4m.model import CsvFormat, JsonFormat, S3Source
from l4m.service.access import open_source, user_client
from l4m.service.context import Context
from l4m.service.passing import require_pass_role
from l4m.sources.s3 import S3
from l4m.sources.source import Access, Settings
from l4m.sources.tables.sniffing import Head, guess_charset, guess_delimiter, guess_frequency, guess_header, parse_head, unpack

SAMPLE_ROWS = 10


def read_sample(context: Context, source: Settings) -> Sample:
    """Names of the columns and the first rows of a source."""
    require_pass_role(context, source.role_arn)
    return open_source(context, source).sample(SAMPLE_ROWS)


def detect_config(context: Context, detector_arn: str, templated_path: str | None, historical_path: str | None) -> DetectedConfig:
    """Settings that fit the files; they are read under the role of the detector's metric set, which the caller may pass."""
    context.resources.detector(detector_arn)
    roles = [one.source.role_arn for one in context.resources.metric_sets(detector_arn) if one.source.kind == S3.kind]
    if not roles:
        raise InvalidInput(
            Fault("AnomalyDetectorArn", "has no metric set yet, whose role would read the files; GetSampleData takes a role of yours")
        )
    require_pass_role(context, roles[0])
    files = S3(S3Source("", templated_path, historical_path, CsvFormat()), Access(partial(user_client, context, roles[0])))
    compression, content = unpack(files.head()[1])
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
