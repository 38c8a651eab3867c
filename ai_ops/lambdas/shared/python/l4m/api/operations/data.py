"""Operations on what a detector read, and on files it might read."""

from __future__ import annotations

from typing import Any

from l4m.api.operations.paging import answer_page
from l4m.api.wire import findings
from l4m.api.wire.members import wire_names
from l4m.api.wire.sources import read_s3_source
from l4m.api.wire.times import from_text
from l4m.errors import Fault, InvalidInput
from l4m.service.context import Context
from l4m.service.queries import executions, quality, samples
from l4m.sources.s3_rules import s3_faults, template_faults

Members = dict[str, Any]
_SAMPLE = "S3SourceConfig"
_FIELDS = {
    "source": _SAMPLE,
    "source.role_arn": f"{_SAMPLE}.RoleArn",
    "source.templated_path": f"{_SAMPLE}.TemplatedPathList",
    "source.historical_path": f"{_SAMPLE}.HistoricalDataPathList",
    "source.csv.charset": f"{_SAMPLE}.FileFormatDescriptor.CsvFormatDescriptor.Charset",
    "source.json.charset": f"{_SAMPLE}.FileFormatDescriptor.JsonFormatDescriptor.Charset",
    "source.format.quote": f"{_SAMPLE}.FileFormatDescriptor.CsvFormatDescriptor.QuoteSymbol",
    "source.format.headers": f"{_SAMPLE}.FileFormatDescriptor.CsvFormatDescriptor.HeaderList",
}


def describe_anomaly_detection_executions(context: Context, members: Members) -> Members:
    """What became of each interval, newest first."""
    asked = from_text("Timestamp", members["Timestamp"]) if "Timestamp" in members else None

    def ask(limit: int, after: str | None) -> tuple[Members, str | None]:
        page = executions.list_executions(context, members["AnomalyDetectorArn"], asked, limit, after)
        return {"ExecutionList": [findings.write_execution(one) for one in page.items]}, page.next

    return answer_page(context, "DescribeAnomalyDetectionExecutions", members, ask)


def get_data_quality_metrics(context: Context, members: Members) -> Members:
    """Figures about the data that was read."""
    reports = quality.quality_reports(context, members["AnomalyDetectorArn"], members.get("MetricSetArn"))
    return {"AnomalyDetectorDataQualityMetricList": [findings.write_quality(report) for report in reports]}


def get_sample_data(context: Context, members: Members) -> Members:
    """The head of a file."""
    if _SAMPLE not in members:
        raise InvalidInput(Fault(_SAMPLE, "is required"))
    source, faults = read_s3_source(members[_SAMPLE], _SAMPLE)
    with wire_names(_FIELDS):
        if found := [*faults, *s3_faults(source, context.account)]:
            raise InvalidInput(*found)
        return findings.write_sample(samples.read_sample(context, source))


def detect_metric_set_config(context: Context, members: Members) -> Members:
    """Settings guessed from files."""
    config = members["AutoDetectionMetricSource"].get("S3SourceConfig", {})
    templated, historical = (config.get(name, [None])[0] for name in ("TemplatedPathList", "HistoricalDataPathList"))
    if templated is None and historical is None:
        raise InvalidInput(Fault("AutoDetectionMetricSource.S3SourceConfig", "needs a templated path or a historical path"))
    with wire_names({"source.templated_path": "AutoDetectionMetricSource.S3SourceConfig.TemplatedPathList"}):
        if templated and (faults := template_faults(templated)):
            raise InvalidInput(*faults)
    detected = samples.detect_config(context, members["AnomalyDetectorArn"], templated, historical)
    return {"DetectedMetricSetConfig": findings.write_detected(detected)}
