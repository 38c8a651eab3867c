"""What a reader of the repository may rely on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

FOREIGN = re.compile(r"(^|[^\w.$}/-])/(root|Users|work|farm)/\w|(^|[^-])index-url|\"resolved\": *\"http|^registry *=")


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Files of the repository, committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [root / line for line in listed.stdout.splitlines() if (root / line).is_file()]


def test_every_module_says_in_a_docstring_what_lives_there(root: Path) -> None:
    modules = tracked(root, "*.py")
    assert [str(path.relative_to(root)) for path in modules if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


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
