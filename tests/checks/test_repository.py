"""What a reader of the repository may rely on."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

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


COMMANDS = [path.name for path in sorted((Path(__file__).resolve().parents[2] / "scripts").iterdir()) if path.is_file() and not path.suffix]


@pytest.mark.parametrize("command", COMMANDS)
def test_list_of_scripts_has_one_line_for_every_command(root: Path, command: str) -> None:
    assert (root / "scripts" / command).stat().st_mode & 0o111, f"scripts/{command} cannot be run"
    lines = (root / "ai_ops" / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if re.match(rf"\| `scripts/{command}\b", line)]) == 1


def test_links_between_documents_lead_somewhere(root: Path) -> None:
    broken = []
    for page in tracked(root, "*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", text):
            place = page.parent / target if target else page
            if not place.exists() or (anchor and anchor not in anchors(place)):
                broken.append(f"{page.relative_to(root)}: {target}#{anchor}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made of their words."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_document_is_reached_from_the_readme(root: Path) -> None:
    reached, left = set(), [root / "README.md"]
    for _ in range(1000):
        if not left:
            break
        page = left.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        left += [page.parent / target for target in re.findall(r"\]\(([^)#:]+)", page.read_text(encoding="utf-8"))]
    pages = {path.resolve() for path in tracked(root, "ai_ops/docs/*.md", ".github/*.md")}
    assert sorted(str(path.relative_to(root)) for path in pages - reached) == []


def test_hooks_run_the_checks(root: Path) -> None:
    (hooks,) = yaml.safe_load((root / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {hook["entry"]: hook["stages"] for hook in hooks["hooks"]} == {
        "scripts/check code": ["pre-commit"],
        "scripts/check": ["pre-push"],
    }


def test_every_folder_of_the_package_lists_its_modules_for_import_linter(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    listed = {container for contract in contracts if contract.get("exhaustive") for container in contract["containers"]}
    package = root / "ai_ops" / "lambdas" / "shared" / "python"
    folders = {".".join(path.parent.relative_to(package).parts) for path in package.glob("l4m/**/*.py") if path.name != "__init__.py"}
    assert sorted(folders - listed) == []
