"""Metric sets on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l4m.api.wire.members import epoch, present
from l4m.api.wire.sources import write_source
from l4m.errors import Fault
from l4m.model import Aggregation, Measure, MetricSet, TimestampColumn
from l4m.sources.registry import SOURCES

_S3 = "MetricSource.S3SourceConfig"
_CSV = f"{_S3}.FileFormatDescriptor.CsvFormatDescriptor"
FIELDS = {
    "arn": "MetricSetArn",
    "measures": "MetricList",
    "measures.namespace": "Namespace",
    "dimensions": "DimensionList",
    "timestamp": "TimestampColumn",
    "timestamp.name": "TimestampColumn.ColumnName",
    "timestamp.format": "TimestampColumn.ColumnFormat",
    "timezone": "Timezone",
    "frequency": "MetricSetFrequency",
    "filters": "DimensionFilterList",
    "offset_seconds": "Offset",
    "tags": "Tags",
    "source": "MetricSource",
    "source.role_arn": f"{_S3}.RoleArn",
    "source.templated_path": f"{_S3}.TemplatedPathList",
    "source.historical_path": f"{_S3}.HistoricalDataPathList",
    "source.csv.charset": f"{_CSV}.Charset",
    "source.json.charset": f"{_S3}.FileFormatDescriptor.JsonFormatDescriptor.Charset",
    "source.format.quote": f"{_CSV}.QuoteSymbol",
    "source.format.headers": f"{_CSV}.HeaderList",
} | {f"source.{kind}.RoleArn": f"MetricSource.{kind}.RoleArn" for kind in SOURCES}

Wire = Mapping[str, Any]


def describe(metric_set: MetricSet) -> dict[str, Any]:
    """A metric set whole."""
    timestamp = metric_set.timestamp
    return present(
        MetricSetArn=metric_set.arn,
        AnomalyDetectorArn=metric_set.detector_arn,
        MetricSetName=metric_set.name,
        MetricSetDescription=metric_set.description,
        CreationTime=epoch(metric_set.created),
        LastModificationTime=epoch(metric_set.modified),
        Offset=metric_set.offset_seconds,
        MetricList=[_write_measure(measure) for measure in metric_set.measures],
        TimestampColumn=present(ColumnName=timestamp.name or None, ColumnFormat=timestamp.format or None) if timestamp else None,
        DimensionList=list(metric_set.dimensions) or None,
        MetricSetFrequency=metric_set.frequency,
        Timezone=metric_set.timezone,
        MetricSource=write_source(metric_set.source),
        DimensionFilterList=[_write_filter(name, values) for name, values in metric_set.filters.items()] or None,
    )


def summarise(metric_set: MetricSet) -> dict[str, Any]:
    """A metric set in a list."""
    return present(
        MetricSetArn=metric_set.arn,
        AnomalyDetectorArn=metric_set.detector_arn,
        MetricSetDescription=metric_set.description,
        MetricSetName=metric_set.name,
        CreationTime=epoch(metric_set.created),
        LastModificationTime=epoch(metric_set.modified),
        Tags=dict(metric_set.tags) or None,
    )


def read_measures(wire: Sequence[Wire]) -> tuple[Measure, ...]:
    """A MetricList."""
    return tuple(Measure(one["MetricName"], Aggregation(one["AggregationFunction"]), one.get("Namespace")) for one in wire)


def read_timestamp(wire: Wire) -> TimestampColumn:
    """A TimestampColumn; what is missing is left empty for the rules to find."""
    return TimestampColumn(wire.get("ColumnName", ""), wire.get("ColumnFormat", ""))


def read_filters(wire: Sequence[Wire]) -> tuple[dict[str, tuple[str, ...]], list[Fault]]:
    """A DimensionFilterList, with what is wrong with its structure."""
    filters: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for index, one in enumerate(wire):
        where = f"DimensionFilterList[{index}]"
        name = one.get("Name")
        listed = one.get("FilterList", [])
        if name is None or name in filters:
            faults.append(Fault(f"{where}.Name", "is required" if name is None else f"{name!r} has a filter already"))
            continue
        if not listed or any("DimensionValue" not in choice for choice in listed):
            faults.append(Fault(f"{where}.FilterList", "needs a DimensionValue in every entry"))
        filters[name] = tuple(choice["DimensionValue"] for choice in listed if "DimensionValue" in choice)
    return filters, faults


def _write_measure(measure: Measure) -> dict[str, Any]:
    return present(MetricName=measure.name, AggregationFunction=measure.aggregation, Namespace=measure.namespace)


def _write_filter(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {"Name": name, "FilterList": [{"DimensionValue": value, "FilterOperation": "EQUALS"} for value in values]}
