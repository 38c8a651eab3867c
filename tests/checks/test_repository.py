"""What a reader of the repository may rely on."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

LONGEST_FILE, LONGEST_FUNCTION = 250, 25
CODE = ("ai_ops", "sample_resources", "scripts")
FOREIGN = re.compile(r"(^|[^\w.$}/-])/(root|Users|work|farm)/\w|(^|[^-])index-url|\"resolved\": *\"http|^registry *=")


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Files of the repository, committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=root, capture_output=True, text=True, check=True
    )
    return [root / line for line in listed.stdout.splitlines() if (root / line).is_file()]


@cache
def read(path: Path) -> tuple[str | None, dict[str, int]]:
    """The docstring of a module, and how many lines its functions have; syntax trees are too large to be kept."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return ast.get_docstring(tree), {f"{node.name}:{node.lineno}": _body_lines(node) for node in functions}


def test_no_file_of_code_is_longer_than_one_idea(root: Path) -> None:
    sizes = {str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines()) for path in tracked(root, "*.py")}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_no_function_is_longer_than_it_need_be(root: Path) -> None:
    files = {str(path.relative_to(root)): read(path)[1] for path in tracked(root, *(f"{folder}/**.py" for folder in CODE))}
    long = {f"{file}:{name}": lines for file, functions in files.items() for name, lines in functions.items() if lines > LONGEST_FUNCTION}
    assert long == {}


def test_every_module_says_in_a_docstring_what_lives_there(root: Path) -> None:
    modules = tracked(root, "*.py")
    assert [str(path.relative_to(root)) for path in modules if not read(path)[0]] == []


def test_no_file_names_a_machine_or_a_registry(root: Path) -> None:
    found = []
    for path in tracked(root):
        if path.suffix in (".gz", ".parquet", ".png") or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:80]}")
    assert found == []


@pytest.mark.parametrize("command", ["demo", "test", "check", "bench", "local", "build", "publish", "cleanup", "cost", "install", "lock"])
def test_readme_names_every_command(root: Path, command: str) -> None:
    assert (root / "scripts" / command).stat().st_mode & 0o111, f"scripts/{command} cannot be run"
    assert f"scripts/{command}" in (root / "README.md").read_text(encoding="utf-8")


def _body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
