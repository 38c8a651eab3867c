"""The examples in the docstrings of the engine are true: every module is looked at."""

import doctest
import importlib
import pkgutil

import pytest

import l4m.engine

MODULES = sorted(one.name for one in pkgutil.walk_packages(l4m.engine.__path__, "l4m.engine.") if not one.ispkg)
FINDER = doctest.DocTestFinder(exclude_empty=True)


def examples_of(name: str) -> list[doctest.DocTest]:
    return [test for test in FINDER.find(importlib.import_module(name)) if test.examples]


@pytest.mark.parametrize("name", [name for name in MODULES if examples_of(name)])
def test_examples_hold(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples_of(name):
        runner.run(test)
    assert not runner.failures


def test_there_are_examples_of_every_part() -> None:
    parts = {name.split(".")[2] for name in MODULES if examples_of(name)}
    assert {"detection", "evidence", "incidents", "monitor", "seasonality"} <= parts
