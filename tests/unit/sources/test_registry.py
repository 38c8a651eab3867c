"""Facts that hold for every kind of source: registry, wire and rules name the same ones."""

import re
from pathlib import Path

import pytest

from l4m.api.service_model import load_model
from l4m.api.wire.metric_sets import FIELDS
from l4m.api.wire.sources import read_source, write_source
from l4m.sources.registry import SOURCES, find_source

PACKAGE = Path("ai_ops/lambdas/shared/python/l4m")


def test_registry_and_api_name_the_same_kinds() -> None:
    assert set(SOURCES) == set(load_model().shapes["MetricSource"]["members"])


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_what_is_wrong_with_a_role_is_told_by_its_name_on_the_wire(kind: str) -> None:
    assert FIELDS[f"source.{kind}.RoleArn"] == f"MetricSource.{kind}.RoleArn"


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_a_source_comes_back_as_it_was_given(kind: str) -> None:
    given = {kind: {"RoleArn": "arn:aws:iam::123456789012:role/reader"}}
    source, _ = read_source(given, "MetricSource")
    assert source.role_arn == given[kind]["RoleArn"]
    assert write_source(source)[kind].items() >= given[kind].items()
    assert find_source(source) is SOURCES[kind]


def test_only_the_registry_and_the_wire_tell_kinds_apart(root: Path) -> None:
    asking = re.compile(r"isinstance\([^)]*\b(S3Source|OtherSource)\b")
    found = [path.name for path in (root / PACKAGE).rglob("*.py") if asking.search(path.read_text(encoding="utf-8"))]
    assert found == []
