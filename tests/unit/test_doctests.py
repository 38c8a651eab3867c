"""The examples in the docstrings are true, in whatever module they stand: modules are found, not listed."""

import doctest
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {ROOT / "ai_ops/lambdas/shared/python": "l4m", ROOT / "sample_resources/local": "localaws"}  # where they are imported from
FOLDERS = ("ai_ops", "sample_resources", "scripts")
PROMPT = ">>> "
MODULES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if PROMPT in path.read_text(encoding="utf-8")]


def load(path: Path) -> ModuleType:
    """The module of a file: imported by its name where it has one, else by its path."""
    for base, package in PACKAGES.items():
        if path.is_relative_to(base / package):
            return importlib.import_module(".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__"))
    spec = importlib.util.spec_from_file_location(f"example_of_{path.stem.replace('-', '_')}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_hold(path: Path) -> None:
    result = doctest.testmod(load(path), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted, "the examples stand where doctest does not look"
    assert not result.failed


def test_examples_are_found_in_every_part_of_the_package() -> None:
    found = {path.relative_to(ROOT / "ai_ops/lambdas/shared/python/l4m").parts[0] for path in MODULES if "l4m" in path.parts}
    assert {"engine", "service", "sources", "store", "api"} <= found
