"""Tags that choose how a detector detects: what they may say, and what is said about those that say something else."""

import doctest
from datetime import UTC, date, datetime

import pytest

from l4m.errors import InvalidInput
from l4m.model import CsvFormat, Detector, Direction, Frequency, Measure, MetricSet, S3Source
from l4m.service.context import Limits
from l4m.service.resources import options
from l4m.service.resources.options import read_options
from l4m.service.resources.tags import check_tags
from l4m.service.runs.detection import settings_of


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(options).failed == 0


def test_every_option_is_read() -> None:
    tags = {"sensitivity": "70", "direction": "down", "minimum-absolute": "5", "minimum-relative": "0.2"}
    tags |= {"country": "de", "special-days": "2026-11-27 2026-12-24", "history": "s3://crawled", "managed-by": "params.json"}
    assert read_options({f"l4m:{name}": value for name, value in tags.items()} | {"team": "growth"}) == {
        "sensitivity": 70.0,
        "direction": Direction.DOWN,
        "minimum_absolute": 5.0,
        "minimum_relative": 0.2,
        "country": "DE",
        "special_days": (date(2026, 11, 27), date(2026, 12, 24)),
    }


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("sensitivity", "lots", "a number from 0 to 100"),
        ("sensitivity", "101", "a number from 0 to 100"),
        ("sensitivity", "nan", "a number from 0 to 100"),
        ("direction", "sideways", "one of up, down, both"),
        ("minimum-absolute", "-1", "not negative"),
        ("minimum-relative", "inf", "a share of the expected value"),
        ("country", "Narnia", "an ISO 3166 code"),
        ("special-days", "Christmas", "days such as 2026-11-27"),
        ("senstivity", "70", "is not known; l4m:sensitivity, "),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_with_what_it_takes(name: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected) as caught:
        check_tags(Limits(), {f"l4m:{name}": value}, is_detector=True)
    assert f"'l4m:{name}'" in str(caught.value)


def test_all_that_is_wrong_with_tags_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_tags(Limits(tags=2), {"l4m:sensitivity": "x", "l4m:country": "", "aws:x": ""}, is_detector=True)
    assert len(caught.value.faults) == 4


def test_an_option_where_it_has_no_effect_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has an effect on detectors only"):
        check_tags(Limits(), {"l4m:sensitivity": "70"})
    check_tags(Limits(), {"l4m:managed-by": "params.json"})


def test_a_country_without_a_calendar_is_refused_before_anything_is_learned() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    source = S3Source("arn:aws:iam::123456789012:role/reader", None, "s3://a/past/", CsvFormat())
    metric_set = MetricSet("set", "sales", "orders", (Measure("views"),), source, Frequency.PT1H, now, now)
    detector = Detector("sales", "sales", Frequency.PT1H, now, now, tags={"l4m:country": "de"})
    assert settings_of(detector, metric_set).country == "DE"
    with pytest.raises(InvalidInput, match="'l4m:country' 'QQ' has no calendar"):
        settings_of(Detector("sales", "sales", Frequency.PT1H, now, now, tags={"l4m:country": "QQ"}), metric_set)
