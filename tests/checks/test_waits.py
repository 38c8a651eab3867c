"""Every wait has an end: what does not come in time is told, and nobody looks at a command that says nothing for ever."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_repository import tracked

TIMED = {"communicate": 2, "wait_for": 2, "urlopen": 3, "select": 4}  # where the time stands among the arguments
UNTIMED = {"wait", "join", "result", "acquire", "get"}  # without any argument
RUNNERS = {"run", "check_call", "check_output", "call"}
ENDLESS = {"wait4", "waitpid", "pause", "sigwait"}
EXCUSE = re.compile(r"# waits as long as \w+")


def endless(source: str) -> Iterator[int]:
    """Lines that wait without an end, as far as syntax shows it.

    >>> list(endless("process.wait(); process.wait(10); queue.get(); found.get('a'); subprocess.run(['ls'])"))
    [1, 1, 1]
    """
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        is_endless = (isinstance(node, ast.Call) and _waits(node)) or (isinstance(node, ast.While) and _looks_for_ever(node))
        if is_endless and not EXCUSE.search(" ".join(lines[node.lineno - 1 : node.lineno + 1])):
            yield node.lineno


def _waits(call: ast.Call) -> bool:
    """Whether a call waits for somebody else and says no time; a dict's ``get`` and a text's ``join`` have arguments."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    if any(word.arg in ("timeout", "block", "blocking", None) for word in call.keywords):
        return False
    owner = call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""
    if owner == "subprocess" and name in RUNNERS:
        return True
    if owner in ("os", "signal") and name in ENDLESS:
        return True
    if name in TIMED:
        return len(call.args) < TIMED[name]
    if name == "get" and not re.search("queue|jobs", ast.unparse(call.func)):
        return False
    return isinstance(call.func, ast.Attribute) and name in UNTIMED and not call.args and not call.keywords


def _looks_for_ever(loop: ast.While) -> bool:
    """Whether a loop sleeps between its looks and knows no deadline."""
    names = {node.id for node in ast.walk(loop) if isinstance(node, ast.Name)}
    called = {node.func.attr for node in ast.walk(loop) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    return bool(called & {"sleep", "pause", "_pause"}) and "deadline" not in names


@pytest.mark.parametrize("folder", ["ai_ops", "sample_resources", "scripts", "tests"])
def test_every_wait_has_an_end(root: Path, folder: str) -> None:
    found = {str(path.relative_to(root)): list(endless(path.read_text(encoding="utf-8"))) for path in tracked(root, f"{folder}/**.py")}
    assert {file: lines for file, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("process.wait()", True),
        ("process.wait(5)", False),
        ("urlopen(request)", True),
        ("urllib.request.urlopen(request, timeout=3)", False),
        ("subprocess.run(command, check=True)", True),
        ("subprocess.run(command, check=True, timeout=3)", False),
        ("', '.join(names)", False),
        ("thread.join()", True),
        ("found.get('key')", False),
        ("jobs.get()", True),
        ("jobs.get()  # waits as long as nobody calls", False),
        ("os.wait4(pid, 0)", True),
        ("while not done():\n    time.sleep(1)", True),
        ("while not done() and time.monotonic() < deadline:\n    time.sleep(1)", False),
    ],
)
def test_a_wait_without_an_end_is_seen(text: str, is_found: bool) -> None:
    assert bool(list(endless(text))) is is_found
