"""params.json: every kind of fault is found, named, and reported together with the others."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.unit.connector.conftest import BUCKET, ROLE

from l4m.connector.params import Params
from l4m.connector.validation import Surroundings, read_params
from l4m.errors import Fault, InvalidInput

AROUND = Surroundings(BUCKET, "123456789012", datetime(2022, 1, 12, 18, tzinfo=UTC))
SOURCE = "metric_source.S3SourceConfig"


def faults(given: Any, surroundings: Surroundings = AROUND) -> dict[str, str]:
    text = given if isinstance(given, bytes) else json.dumps(given).encode()
    try:
        read_params(text, surroundings)
    except InvalidInput as error:
        return {fault.field: fault.message for fault in error.faults}
    return {}


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(params: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for key in parents:
            params = params[key]
        params[last] = value

    return apply


def history(path: str) -> Callable[[dict[str, Any]], None]:
    return change(f"{SOURCE}.HistoricalDataPathList", [path])


def template(path: str) -> Callable[[dict[str, Any]], None]:
    return change(f"{SOURCE}.TemplatedPathList", [path])


LIVE = f"s3://{BUCKET}/ecommerce/live"
BAD: list[tuple[Callable[[dict[str, Any]], None], str, str]] = [
    (change("database_type", "oracle"), "database_type", "redshift"),
    (change("detector_name", "-x"), "detector_name", "does not match"),
    (change("detector_name", "x" * 42), "detector_name", "longer than 63"),
    (change("detector_description", ""), "detector_description", "empty"),
    (change("detector_frequency", "PT7M"), "detector_frequency", "PT7M"),
    (change("detector_frequency", 60), "detector_frequency", "60"),
    (change("timestamp_column", "timestamp"), "timestamp_column", "object"),
    (change("timestamp_column.ColumnFormat", "qqqq-MM"), "timestamp_column.ColumnFormat", "q"),
    (change("timestamp_column.ColumnName", "views"), "timestamp_column", "measure or a dimension"),
    (change("dimension_list", ["platform", "platform"]), "dimension_list", "more than once"),
    (change("dimension_list", ["platform", "views"]), "dimension_list", "measure as well"),
    (change("dimension_list", "platform"), "dimension_list", "array"),
    (change("dimension_list", ["plat form"]), "dimension_list[0]", "does not match"),
    (change("metrics_set", []), "metrics_set", "empty"),
    (change("metrics_set", [{"MetricName": "a", "AggregationFunction": "MAX"}]), "metrics_set[0].AggregationFunction", "MAX"),
    (change("metrics_set", [{"MetricName": "a"}]), "metrics_set[0].AggregationFunction", "missing"),
    (change("metrics_set", [{"MetricName": "a", "AggregationFunction": "SUM"}] * 2), "metrics_set", "more than once"),
    (history(f"s3://other/{'x'}/"), f"{SOURCE}.HistoricalDataPathList", "another bucket"),
    (history(f"s3://{BUCKET}/"), f"{SOURCE}.HistoricalDataPathList[0]", "does not match"),
    (history(f"s3://{BUCKET}//x/"), f"{SOURCE}.HistoricalDataPathList", "folder"),
    (history(f"s3://{BUCKET}/ecommerce/"), f"{SOURCE}.HistoricalDataPathList", "lie in each other"),
    (history(f"{LIVE}/20220112/"), f"{SOURCE}.HistoricalDataPathList", "lie in each other"),
    (history(f"s3://{BUCKET}/x/{{{{yyyy}}}}/"), f"{SOURCE}.HistoricalDataPathList", "templated"),
    (history(f"s3://{BUCKET}/it's/"), f"{SOURCE}.HistoricalDataPathList[0]", "does not match"),
    (change(f"{SOURCE}.HistoricalDataPathList", []), f"{SOURCE}.HistoricalDataPathList", "empty"),
    (template("s3://other/live/{{yyyyMMdd}}/{{HHmm}}"), f"{SOURCE}.TemplatedPathList", "another bucket"),
    (template(f"{LIVE}/{{{{yyyyMMdd}}}}"), f"{SOURCE}.TemplatedPathList", "same folder"),
    (template(f"{LIVE}/{{{{HHmm}}}}"), f"{SOURCE}.TemplatedPathList", "same folder"),
    (template(f"{LIVE}/{{{{yyyyMMdd}}}}/{{{{hhmm}}}}"), f"{SOURCE}.TemplatedPathList", "same folder"),
    (template(f"{LIVE}/{{{{yyyyMMdd}}}}/{{{{QQ}}}}"), f"{SOURCE}.TemplatedPathList", "unknown letter"),
    (change(f"{SOURCE}.RoleArn", ""), f"{SOURCE}.RoleArn", "params_builder"),
    (change(f"{SOURCE}.RoleArn", "arn:aws:iam::999999999999:role/x"), f"{SOURCE}.RoleArn", "another account"),
    (change(f"{SOURCE}.RoleArn", "x' CSV; drop"), f"{SOURCE}.RoleArn", "does not match"),
    (change(f"{SOURCE}.FileFormatDescriptor", {}), f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor", "missing"),
    (
        change(f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.Charset", "UTF-16"),
        f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.Charset",
        "UTF-8",
    ),
    (
        change(f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.Delimiter", "'"),
        f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.Delimiter",
        "match",
    ),
    (
        change(f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.ContainsHeader", False),
        f"{SOURCE}.FileFormatDescriptor.CsvFormatDescriptor.ContainsHeader",
        "True",
    ),
    (change("s3_bucket", "another-bucket"), "s3_bucket", "lies in"),
    (change("s3_bucket", ""), "s3_bucket", "params_builder"),
    (change("s3_path_continuous_root", f"s3://{BUCKET}/other/"), "s3_path_continuous_root", "begins with"),
    (change("alert_threshold", 101), "alert_threshold", "maximum"),
    (change("alert_threshold", 1.5), "alert_threshold", "integer"),
    (change("alert_threshold", "1"), "alert_threshold", "integer"),
    (change("alert_lambda_arn", "my-function"), "alert_lambda_arn", "does not match"),
    (change("offset", -1), "offset", "minimum"),
    (change("offset", 432001), "offset", "maximum"),
    (change("timezone", "Mars/Olympus"), "timezone", "IANA"),
    (change("timezone", "../etc/passwd"), "timezone", "IANA"),
    (change("historical_end", "yesterday"), "historical_end", "ISO instant"),
    (change("historical_end", "2013-02-06T00:00:00"), "historical_end", "no zone"),
    (change("historical_end", "2022-01-12T18:00:01Z"), "historical_end", "later than the upload"),
    (change("sensitivity", 200), "sensitivity", "maximum"),
    (change("detektor_name", "x"), "detektor_name", "did you mean 'detector_name'"),
]


@pytest.mark.parametrize(("spoil", "field", "reason"), BAD, ids=[f"{number}-{field}" for number, (_, field, _) in enumerate(BAD)])
def test_a_bad_value_is_named_with_its_field(
    given: dict[str, Any], spoil: Callable[[dict[str, Any]], None], field: str, reason: str
) -> None:
    spoil(given)
    found = faults(given)
    assert list(found) == [field]
    assert reason in found[field]


@pytest.mark.parametrize(
    "key", ["database_type", "detector_name", "detector_frequency", "timestamp_column", "metrics_set", "metric_source", "s3_bucket"]
)
def test_a_missing_key_is_named(given: dict[str, Any], key: str) -> None:
    del given[key]
    assert faults(given) == {key: "is missing"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "line 1, column 1"),
        (b'{"a": 1', "line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"offset": NaN}', "NaN"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b"[" * 100_000, "usable"),
        (b"[]", "object"),
        (b"null", "object"),
    ],
)
def test_a_file_that_is_no_json_object_is_refused(text: bytes, reason: str) -> None:
    found = faults(text)
    assert list(found) == ["params.json"]
    assert reason in found["params.json"]


def test_everything_wrong_is_reported_at_once(given: dict[str, Any]) -> None:
    for spoil in (
        change("detector_frequency", "PT7M"),
        change("dimension_list", ["views"]),
        change("timezone", "x"),
        change("oops", 1),
        history("s3://a-b/x/"),
    ):
        spoil(given)
    del given["detector_name"]
    around = Surroundings(BUCKET, "123456789012", AROUND.uploaded, None, lambda _, name: [Fault("secret_name", f"no {name}")])
    assert set(faults(given, around)) == {
        "detector_frequency", "dimension_list", "timezone", "oops", f"{SOURCE}.HistoricalDataPathList", "detector_name", "secret_name",
    }  # fmt: skip


def test_two_alert_targets_are_one_too_many(given: dict[str, Any]) -> None:
    given |= {
        "alert_lambda_arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "alert_sns_topic_arn": "arn:aws:sns:us-east-1:123456789012:t",
    }
    del given["alert_name"]
    assert set(faults(given)) == {"alert_sns_topic_arn", "alert_name"}


def test_windows_at_the_buckets_top_would_lie_beside_params_and_around_history(given: dict[str, Any]) -> None:
    template(f"s3://{BUCKET}/{{{{yyyyMMdd}}}}/{{{{HHmm}}}}")(given)
    found = faults(given)
    assert "must be a folder" in found[f"{SOURCE}.TemplatedPathList"]
    assert "lie in each other" in found[f"{SOURCE}.HistoricalDataPathList"]


def test_days_need_no_hours_in_their_path(given: dict[str, Any]) -> None:
    template(f"{LIVE}/{{{{yyyyMMdd}}}}")(given)
    assert faults(given | {"detector_frequency": "P1D"}) == {}


def test_the_shipped_file_says_that_it_has_to_be_filled_in(root: Path) -> None:
    found = faults((root / "ai_ops/params.json").read_bytes())
    assert set(found) == {"s3_bucket", f"{SOURCE}.HistoricalDataPathList", f"{SOURCE}.TemplatedPathList", f"{SOURCE}.RoleArn"}


def test_a_good_file_with_a_byte_order_mark_passes(given: dict[str, Any]) -> None:
    assert faults(b"\xef\xbb\xbf" + json.dumps(given).encode()) == {}


def test_defaults_are_those_of_the_seed(given: dict[str, Any]) -> None:
    for key in ("dimension_list", "secret_name", "offset", "alert_threshold"):
        del given[key]
    params = Params.from_dict(read_params(json.dumps(given).encode(), AROUND))
    assert params.dimensions == ("platform", "marketplace")
    assert (params.secret_name, params.timezone, params.historical_end, params.alert) == ("redshift-l4mintegration", "UTC", None, None)
    assert (params.detector_name, params.metric_set_name) == (
        "l4m-custom-redshift-connector-detector-redshift",
        "l4m-custom-redshift-connector-detector-redshift-metric-set-1",
    )
    assert params.role_arn == ROLE


def test_the_schema_for_editors_is_the_one_that_is_used(root: Path) -> None:
    own = root / "ai_ops/lambdas/shared/python/l4m/connector/params.schema.json"
    assert (root / "ai_ops/params.schema.json").resolve() == own


def test_the_file_is_not_changed_by_being_read(given: dict[str, Any]) -> None:
    before = copy.deepcopy(given)
    assert read_params(json.dumps(given).encode(), AROUND) == before
