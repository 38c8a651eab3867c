"""Sources of metric sets on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from l4m.api.wire.members import present
from l4m.errors import Fault
from l4m.model import CsvFormat, JsonFormat, OtherSource, S3Source

Wire = Mapping[str, Any]


def read_source(wire: Wire, field: str) -> tuple[S3Source | OtherSource, list[Fault]]:
    """The one source of a MetricSource, with what is wrong with its structure."""
    if len(wire) != 1:
        given = ", ".join(wire) or "none"
        return OtherSource("", {}), [Fault(field, f"needs exactly one source, given: {given}")]
    ((kind, settings),) = wire.items()
    read = _READERS.get(kind)
    return read(settings, f"{field}.{kind}") if read else (OtherSource(kind, settings), [])


def read_s3_source(wire: Wire, field: str) -> tuple[S3Source, list[Fault]]:
    """An S3SourceConfig, or the one of a sample, with what is wrong with its structure."""
    text, faults = _read_format(wire.get("FileFormatDescriptor"), f"{field}.FileFormatDescriptor")
    templated = wire.get("TemplatedPathList")
    historical = wire.get("HistoricalDataPathList")
    source = S3Source(wire.get("RoleArn", ""), templated[0] if templated else None, historical[0] if historical else None, text)
    return source, faults


def write_source(source: S3Source | OtherSource) -> dict[str, Any]:
    """A source as MetricSource."""
    write = _WRITERS.get(source.kind, _write_as_given)
    return {source.kind: write(source)}


def _write_as_given(source: Any) -> dict[str, Any]:
    return dict(source.settings)


def _write_s3_source(source: S3Source) -> dict[str, Any]:
    text = source.format
    return present(
        RoleArn=source.role_arn,
        TemplatedPathList=[source.templated_path] if source.templated_path else None,
        HistoricalDataPathList=[source.historical_path] if source.historical_path else None,
        FileFormatDescriptor={"CsvFormatDescriptor": _write_csv(text)}
        if isinstance(text, CsvFormat)
        else {"JsonFormatDescriptor": {"FileCompression": text.compression, "Charset": text.charset}},
    )


def _read_format(wire: Wire | None, field: str) -> tuple[CsvFormat | JsonFormat, list[Fault]]:
    if wire is None or len(wire) != 1:
        return CsvFormat(), [Fault(field, "needs exactly one of CsvFormatDescriptor and JsonFormatDescriptor")]
    ((kind, settings),) = wire.items()
    common = {"compression": settings.get("FileCompression", "NONE"), "charset": settings.get("Charset", "UTF-8")}
    if kind == "JsonFormatDescriptor":
        return JsonFormat(**common), []
    headers = tuple(settings.get("HeaderList", ()))
    return CsvFormat(
        **common,
        has_header=settings.get("ContainsHeader", not headers),
        delimiter=settings.get("Delimiter", ","),
        headers=headers,
        quote=settings.get("QuoteSymbol", '"'),
    ), []


def _write_csv(text: CsvFormat) -> dict[str, Any]:
    return present(
        FileCompression=text.compression,
        Charset=text.charset,
        ContainsHeader=text.has_header,
        Delimiter=text.delimiter,
        HeaderList=list(text.headers) or None,
        QuoteSymbol=text.quote,
    )


# Kinds that have a shape of their own in the model; the others are kept as they come.
_READERS: Mapping[str, Callable[[Wire, str], tuple[S3Source, list[Fault]]]] = {S3Source.kind: read_s3_source}
_WRITERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {S3Source.kind: _write_s3_source}
