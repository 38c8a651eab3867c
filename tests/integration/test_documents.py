"""Every command of the README and the documents is run as it stands there, or is marked as one that needs an account."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted(ROOT.glob("ai_ops/docs/**/*.md")))
}
ACCOUNT = "☁"
RUN_BY = {"scripts/test": ".ci/run", "scripts/build": "scripts/check"}  # what runs these tests, and what runs beside them
LANGUAGES = {"console", "json", "python", "sql", "text", "mermaid", ""}


def consoles(page: str) -> list[list[str]]:
    """The commands of each console of a page, continued lines joined, comments kept; those of a console build on each other."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGES[page].replace("\\\n", ""), re.DOTALL | re.MULTILINE)
    return [[line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")] for block in blocks]


def runnable() -> list[tuple[str, ...]]:
    """What is run of each console, each only once however many pages show it."""
    found = {}
    for page in PAGES:
        for console in consoles(page):
            commands = tuple(command for command in console if ACCOUNT not in command and command.split()[0] not in RUN_BY)
            alone = [(command,) for command in commands if command.startswith("scripts/")]
            together = tuple(command for command in commands if not command.startswith("scripts/"))
            found |= dict.fromkeys([*alone, *([together] if together else [])])
    return list(found)


@pytest.mark.parametrize("page", PAGES)
def test_consoles_hold_nothing_but_commands(page):
    languages = re.findall(r"^ *```(\w*)$", PAGES[page], re.MULTILINE)
    assert set(languages) <= LANGUAGES, "commands belong into a console, where this test finds them"


def test_there_are_commands_to_run():
    assert sum(len(console) for page in PAGES for console in consoles(page)) > len(runnable()) > 4


@pytest.mark.parametrize(("command", "runner"), RUN_BY.items())
def test_what_is_not_run_here_is_run_by_another_command(command, runner):
    assert re.search(rf"^{command}\b", (ROOT / runner).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("commands", runnable(), ids=lambda commands: " ".join(commands[-1].split()[:2]))
def test_commands_do_what_the_page_says(commands, tmp_path):
    for name in (".venv", "scripts", "ai_ops", "sample_resources"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "HOME": str(tmp_path)}
    script = "\n".join(commands)
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for made in re.findall(r"[\w.]+\.html|~/[\w./]+", script):
        assert (tmp_path / made.removeprefix("~/")).exists(), f"{made} was not made"
