"""The rules of params.json that a schema cannot say; each names the keys it reads and runs only when those are sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from l4m.connector.params import DIMENSIONS
from l4m.errors import Fault, InvalidInput
from l4m.model import Frequency
from l4m.sources.paths import check_template, fixed_part, render_path
from l4m.sources.tables.timestamps import check_format

LONGEST_NAME = 63
HISTORY, TEMPLATE, ROLE = (f"metric_source.S3SourceConfig.{name}" for name in ("HistoricalDataPathList", "TemplatedPathList", "RoleArn"))


@dataclass(frozen=True)
class Context:
    """A params.json and what is known of where it lies; None where nothing is known."""

    given: Mapping[str, Any]
    bucket: str | None
    account: str | None
    uploaded: datetime | None

    @property
    def source(self) -> Mapping[str, Any]:
        """The S3 source."""
        config: Mapping[str, Any] = self.given["metric_source"]["S3SourceConfig"]
        return config

    @property
    def history(self) -> str:
        """The historical path with its closing slash."""
        return str(self.source["HistoricalDataPathList"][0]).rstrip("/") + "/"

    @property
    def template(self) -> str:
        """The templated path."""
        return str(self.source["TemplatedPathList"][0])


def check_names(context: Context) -> Iterable[Fault]:
    """The names that are made of detector_name must fit too."""
    longest = f"{context.given['detector_name']}-{context.given['database_type']}-metric-set-1"
    if len(longest) > LONGEST_NAME:
        yield Fault("detector_name", f"makes the metric set's name {longest!r} longer than {LONGEST_NAME} characters")


def check_columns(context: Context) -> Iterable[Fault]:
    """Every column has one part to play."""
    measures = [measure["MetricName"] for measure in context.given["metrics_set"]]
    dimensions = list(context.given.get("dimension_list", DIMENSIONS))
    timestamp = context.given["timestamp_column"]["ColumnName"]
    yield from (Fault("metrics_set", f"{name!r} stands more than once") for name in _repeated(measures))
    yield from (Fault("dimension_list", f"{name!r} stands more than once") for name in _repeated(dimensions))
    yield from (Fault("dimension_list", f"{name!r} is a measure as well") for name in sorted({*measures} & {*dimensions}))
    if timestamp in {*measures, *dimensions}:
        yield Fault("timestamp_column", f"{timestamp!r} is a measure or a dimension as well")


def check_timestamp(context: Context) -> Iterable[Fault]:
    """The format is a pattern that the service can read."""
    try:
        check_format(context.given["timestamp_column"]["ColumnFormat"])
    except InvalidInput as error:
        yield from (Fault("timestamp_column.ColumnFormat", fault.message) for fault in error.faults)


def check_timezone(context: Context) -> Iterable[Fault]:
    """The timezone is one that the database of timezones knows."""
    name = context.given.get("timezone", "UTC")
    if not _is_timezone(name):
        yield Fault("timezone", f"{name!r} is no IANA timezone such as Europe/Berlin")


def check_historical_end(context: Context) -> Iterable[Fault]:
    """History ends at an instant that has come."""
    text = context.given.get("historical_end")
    if text is None:
        return
    try:
        end = datetime.fromisoformat(text)
    except ValueError:
        yield Fault("historical_end", f"{text!r} is no ISO instant such as 2013-02-06T00:00:00Z")
        return
    if end.tzinfo is None:
        yield Fault("historical_end", f"{text!r} has no zone: end it in Z or an offset")
    elif context.uploaded and end > context.uploaded:
        yield Fault("historical_end", f"{text!r} is later than the upload")


def check_bucket(context: Context) -> Iterable[Fault]:
    """The file and all data share one bucket."""
    own = context.bucket
    named = context.given["s3_bucket"]
    if own and named != own:
        yield Fault("s3_bucket", f"is {named!r}, but this file lies in {own!r}")
    for field, path in ((HISTORY, context.history), (TEMPLATE, context.template)):
        bucket = re.sub(r"^s3://", "", path).split("/")[0]
        if bucket != (own or named):
            yield Fault(field, f"{path!r} is in another bucket than this file")


def check_folders(context: Context) -> Iterable[Fault]:
    """History and windows lie in folders of their own, for an export clears the one it writes to."""
    live = fixed_part(context.template).rstrip("/") + "/"
    for field, path in ((HISTORY, context.history), (TEMPLATE, live)):
        if not re.fullmatch(r"s3://[^/]+/(?!/)(.+/)", path) or "//" in path[5:]:
            yield Fault(field, f"{path!r} must be a folder of the bucket, such as s3://BUCKET/ecommerce/backtest/")
    if "{{" in context.history:
        yield Fault(HISTORY, f"{context.history!r} is templated: history has one folder")
    if live.startswith(context.history) or context.history.startswith(live):
        yield Fault(HISTORY, f"{context.history!r} and {live!r} lie in each other: crawling one would clear the other")
    root = context.given.get("s3_path_continuous_root")
    if root and not context.template.startswith(root):
        yield Fault("s3_path_continuous_root", f"{root!r} is not what the templated path begins with")


def check_template_letters(context: Context) -> Iterable[Fault]:
    """Every interval has a folder of its own."""
    try:
        check_template(context.template)
    except InvalidInput as error:
        yield from (Fault(TEMPLATE, fault.message) for fault in error.faults)
        return
    step = timedelta(seconds=Frequency(context.given["detector_frequency"]).seconds)
    first = datetime(2023, 1, 31, tzinfo=UTC)
    others = [first + step, first.replace(hour=12), first + timedelta(days=1), first.replace(month=3), first.replace(year=2024)]
    if step == timedelta(days=1):
        others.remove(first.replace(hour=12))
    clash = next((other for other in others if render_path(context.template, other) == render_path(context.template, first)), None)
    if clash:
        yield Fault(TEMPLATE, f"{context.template!r} gives {first:%Y-%m-%d %H:%M} and {clash:%Y-%m-%d %H:%M} the same folder")


def check_role(context: Context) -> Iterable[Fault]:
    """The role is of this account."""
    arn = context.source["RoleArn"]
    if context.account and arn.split(":")[4] != context.account:
        yield Fault(ROLE, f"{arn!r} belongs to another account than {context.account}")


def check_alert(context: Context) -> Iterable[Fault]:
    """An alert has one target, and a name."""
    targets = [name for name in ("alert_lambda_arn", "alert_sns_topic_arn") if context.given.get(name)]
    if len(targets) > 1:
        yield Fault("alert_sns_topic_arn", "stands beside alert_lambda_arn: an alert tells one of the two")
    if targets and not context.given.get("alert_name"):
        yield Fault("alert_name", f"is missing, but {targets[0]} is given")


def _repeated(names: list[str]) -> list[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


Rule = Callable[[Context], Iterable[Fault]]
RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("detector_name", "database_type"), check_names),
    (("metrics_set", "dimension_list", "timestamp_column"), check_columns),
    (("timestamp_column",), check_timestamp),
    (("timezone",), check_timezone),
    (("historical_end",), check_historical_end),
    (("s3_bucket", "metric_source"), check_bucket),
    (("metric_source", "s3_path_continuous_root"), check_folders),
    (("metric_source", "detector_frequency"), check_template_letters),
    (("metric_source",), check_role),
    (("alert_name", "alert_lambda_arn", "alert_sns_topic_arn"), check_alert),
)
