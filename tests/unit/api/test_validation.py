"""Input against its shape: each bound of the model holds exactly, and every fault is named at once."""

import doctest
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l4m.api import patterns
from l4m.api.patterns import compile_pattern
from l4m.api.service_model import load_model
from l4m.api.validation import validate
from l4m.errors import InvalidInput

SHAPES = load_model().shapes
TEXTS = {name: shape for name, shape in SHAPES.items() if shape["type"] == "string" and "max" in shape and "pattern" not in shape}
NUMBERS = {name: shape for name, shape in SHAPES.items() if shape["type"] in ("integer", "double") and "min" in shape}
ENUMS = {name: shape for name, shape in SHAPES.items() if "enum" in shape}
PATTERNS = {name: shape for name, shape in SHAPES.items() if "pattern" in shape}


def check(name, value):
    """Validate one value as the only member of a structure."""
    shapes = {**SHAPES, "Holder": {"type": "structure", "required": ["it"], "members": {"it": {"shape": name}}}}
    return validate(shapes, "Holder", {"it": value})["it"]


def faults_of(name, value):
    with pytest.raises(InvalidInput) as refusal:
        check(name, value)
    return [(fault.field, fault.message) for fault in refusal.value.faults]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AnomalyDetectorName", "my shop", "'my shop' has to begin with a letter or a digit and to hold only letters, digits, - and _"),
        ("AnomalyDetectorDescription", "  ", "'  ' is blank"),
        ("Arn", "shop", "'shop' is not an ARN"),
        ("UUID", "7", "'7' is not a UUID"),
        ("TimestampString", "yesterday", "'yesterday' is not a time such as 2026-03-01T04:00:00Z"),
        ("HistoricalDataPath", "bucket/past", "'bucket/past' is not a path such as s3://bucket/folder/"),
        ("KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:alias/x", "is not the ARN of a KMS key; an alias will not do"),
    ],
)
def test_what_a_text_has_to_be_is_said_in_words(name, value, message):
    assert message in faults_of(name, value)[0][1]


def test_examples_in_the_docstrings():
    assert doctest.testmod(patterns).failed == 0


@pytest.mark.parametrize("name", TEXTS)
def test_lengths_hold_at_both_ends(name):
    least, most = TEXTS[name].get("min", 0), TEXTS[name]["max"]
    assert check(name, "ü" * most) == "ü" * most
    assert check(name, "🛒" * max(least, 1))
    assert "at most" in faults_of(name, "a" * (most + 1))[0][1]
    if least:
        assert "at least" in faults_of(name, "a" * (least - 1))[0][1]


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_hold_at_both_ends(name):
    shape = NUMBERS[name]
    assert check(name, shape["min"]) == shape["min"]
    assert check(name, shape["max"]) == shape["max"]
    assert "at least" in faults_of(name, shape["min"] - 1)[0][1]
    assert "at most" in faults_of(name, shape["max"] + 1)[0][1]
    for wrong in (True, "1", None, [], 10**4000, float("nan"), float("inf")):
        faults_of(name, wrong)


def test_whole_numbers_may_be_written_with_a_point_but_not_a_fraction():
    assert check("MaxResults", 5.0) == 5
    assert faults_of("MaxResults", 5.5) == [("it", "has to be a whole number, not 5.5")]


@pytest.mark.parametrize("name", ENUMS)
def test_enums_are_closed_and_case_matters(name):
    for value in ENUMS[name]["enum"]:
        assert check(name, value) == value
        faults_of(name, value.lower())


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_match_the_whole_value(name):
    pattern = compile_pattern(PATTERNS[name]["pattern"])
    assert not pattern.fullmatch("a\n")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AnomalyDetectorName", ["a", "A-1_b", "x" * 63], ["", "-a", "a b", "a/b", "ä", "a\n", "x" * 64]),
        ("Arn", ["arn:aws:sns:us-east-1:1:x", "arn:aws-cn:a:b:c:d e"], ["", "arn:AWS:a:b:c:d", "arn:aws:a:b:c:", "x"]),
        ("Charset", ["UTF-8", "latin_1"], ["", "-x", "ütf"]),
        ("Delimiter", [",", "\t", "|", "ü"], ["", "\n", ",,"]),
        ("QuoteSymbol", ['"', "'", ""], ["\r", '""']),
        ("TemplatedPath", ["s3://b/{{yyyyMMdd}}/{{HHmm}}", "s3://b/a=1 2/"], ["s3://b.c/x", "http://b/", "s3://"]),
        ("HistoricalDataPath", ["s3://b.c/ü/x"], ["s3://", "s3://B/x", "S3://b/x"]),
        ("KmsKeyArn", ["arn:aws:kms:us-east-1:123456789012:key/12345678-abcd-1234-abcd-1234567890ab"], ["arn:aws:kms:us-east-1:1:key/1"]),
        ("UUID", ["12345678-abcd-1234-abcd-1234567890ab"], ["12345678-ABCD-1234-abcd-1234567890ab", "12345678abcd1234abcd1234567890ab"]),
        ("RedshiftClusterIdentifier", ["a-b-1"], ["a--b", "a-", "1a", "A"]),
        ("AthenaDataCatalog", ["AwsDataCatalog", "ü 🛒\t"], ["", "a\nb"]),
        ("AlertDescription", ["x", " x ", "ü🛒"], ["", "  "]),
        (
            "TimestampString",
            ["2020-12-05T01:00:00Z", "2020-12-05T01:00Z[UTC]", "2020-12-05T01:00:00+01:00[Europe/Berlin]", "2020-12-05T01:00:00-09:30"],
            ["2020-12-05", "2020-13-05T01:00:00Z", "2020-12-05T24:00:00Z", "2020-12-05 01:00:00Z", "yesterday"],
        ),
    ],
)
def test_pattern_takes_and_refuses(name, good, bad):
    for value in good:
        assert check(name, value) == value
    for value in bad:
        faults_of(name, value)


def test_half_a_surrogate_pair_is_refused_even_as_a_name_of_a_tag():
    assert faults_of("TagValue", "\ud800") == [("it", "has half of a surrogate pair")]
    assert faults_of("TagMap", {"\ud800": "x"})[0][1] == "has half of a surrogate pair"


def test_lists_and_maps_are_counted():
    assert faults_of("TagMap", {}) == [("it", "has 0 entries, at least 1 needed")]
    assert faults_of("TagMap", {f"k{number}": "" for number in range(51)}) == [("it", "has 51 entries, at most 50 allowed")]
    assert faults_of("TemplatedPathList", ["s3://a/b"] * 2) == [("it", "has 2 entries, at most 1 allowed")]


def test_every_fault_is_found_where_it_is():
    metrics = [{"MetricName": "a b", "AggregationFunction": "MAX"}, {"MetricName": "ok"}, None, 7]
    given = {"AnomalyDetectorArn": 1, "MetricSetName": "x", "MetricList": metrics, "Offset": -1, "Timezone": []}
    with pytest.raises(InvalidInput) as refusal:
        validate(SHAPES, "CreateMetricSetRequest", given)
    assert [fault.field for fault in refusal.value.faults] == [
        "MetricSource",
        "AnomalyDetectorArn",
        "MetricList[0].MetricName",
        "MetricList[0].AggregationFunction",
        "MetricList[1].AggregationFunction",
        "MetricList[2]",
        "MetricList[3]",
        "Offset",
        "Timezone",
    ]


def test_refused_values_are_shown_short():
    (fault,) = faults_of("Frequency", "x" * 100_000)
    assert len(fault[1]) < 150


@pytest.mark.parametrize("name", [name for name in PATTERNS if "max" in SHAPES[name]])
def test_hostile_value_takes_no_time(name):
    pattern, most = compile_pattern(PATTERNS[name]["pattern"]), SHAPES[name]["max"]
    begin = time.process_time()
    for piece in ("arn:a:", ":", "a", " ", "a-", "arn:awskms:kms:", "arn:a:b:c:secret:", "s3://a"):
        pattern.fullmatch((piece * most)[: most - 1] + "\n")
    assert time.process_time() - begin < 0.2


@given(st.text(st.sampled_from("a :\n\t\u2028é"), max_size=8))
def test_quick_patterns_say_what_the_slow_ones_said(text):
    arn = "arn:aws:" + text
    assert bool(compile_pattern(SHAPES["Arn"]["pattern"]).fullmatch(arn)) == bool(re.fullmatch(SHAPES["Arn"]["pattern"], arn, re.ASCII))
    assert bool(compile_pattern(r".*\S.*").fullmatch(text)) == bool(re.fullmatch(r".*\S.*", text, re.ASCII))
