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
