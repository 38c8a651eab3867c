"""What every test can use: handlers loaded by path, as AWS loads them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

settings.register_profile("no clock", deadline=None)  # a busy machine is no failure
settings.load_profile("no clock")
ROOT = Path(__file__).resolve().parents[1]
LONGEST_SECONDS = {"unit": 120, "checks": 120, "integration": 900, "conformance": 600}  # of one test with what is made for it first


def load(folder: str, file: str | None = None) -> ModuleType:
    """Load a handler module from its hyphenated folder below ``ai_ops/lambdas``."""
    path = ROOT / "ai_ops" / "lambdas" / folder / f"{file or Path(folder).name}.py"
    spec = importlib.util.spec_from_file_location(path.stem.replace("-", "_"), path)
    assert spec and spec.loader, path
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def load_handler() -> Callable[..., ModuleType]:
    """The loader itself: ``load_handler("redshift/redshift-historical-crawl")``."""
    return load


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the time of its part, unless it says itself how long it takes; then all stacks are shown, and it fails."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS[item.path.relative_to(ROOT / "tests").parts[0]]))
