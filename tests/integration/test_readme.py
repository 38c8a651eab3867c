"""Every command of the README is run as it stands there, or is marked as one that needs an account."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ACCOUNT = "☁"
RUN_BY = {"scripts/test": ".ci/run", "scripts/build": "scripts/check"}  # what runs these tests, and what runs beside them


def commands() -> list[str]:
    """Every command of the README's consoles, continued lines joined, comments kept."""
    blocks = re.findall(r"^```console\n(.*?)^```", README.replace("\\\n", ""), re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def runnable() -> list[str]:
    return [command for command in commands() if ACCOUNT not in command and command.split()[0] not in RUN_BY]


def test_consoles_hold_nothing_but_commands():
    languages = re.findall(r"^ *```(\w*)$", README, re.MULTILINE)
    assert set(languages) <= {"console", "json", "python", "sql", ""}, "commands belong into a console, where this test finds them"
    assert len(commands()) > len(runnable()) > 2


@pytest.mark.parametrize(("command", "runner"), RUN_BY.items())
def test_what_is_not_run_here_is_run_by_another_command(command, runner):
    assert re.search(rf"^{command}\b", (ROOT / runner).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("command", runnable(), ids=lambda command: " ".join(command.split()[:2]))
def test_command_does_what_the_readme_says(command, tmp_path):
    for name in (".venv", "scripts", "ai_ops", "sample_resources"):
        (tmp_path / name).symlink_to(ROOT / name)
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for made in re.findall(r"[\w.]+\.html|~/[\w./]+", command):
        assert (tmp_path / made.removeprefix("~/")).exists(), f"{made} was not made"
