"""The examples in the docstrings of detection are true."""

import doctest
import importlib

import pytest

MODULES = ["seasonality.holidays", "seasonality.seasons", "detection.detector", "detection.severity", "detection.report_filter"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"l4m.engine.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed
