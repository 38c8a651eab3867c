"""The examples in the docstrings of detection are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["calendar", "detector", "seasons", "severity", "wishes"])
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"l4m.engine.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed
