"""The part of the package that the wheel is for runs on Windows too: nothing in it is of POSIX alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "ai_ops/lambdas/shared/python/l4m"
POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
POSIX_ONLY_OF_OS = {
    "fork",
    "forkpty",
    "getpgid",
    "geteuid",
    "getuid",
    "killpg",
    "mkfifo",
    "sched_getaffinity",
    "setsid",
    "sysconf",
    "uname",
    "wait",
}


def test_package_uses_nothing_of_posix_alone(root: Path) -> None:
    found = [f"{path.name}: {name}" for path in sorted((root / PACKAGE).rglob("*.py")) for name in used(path)]
    assert found == []


def used(path: Path) -> Iterator[str]:
    """What a module imports or takes of ``os`` that other systems lack."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from {name.name.partition(".")[0] for name in names} & POSIX_ONLY
            case ast.ImportFrom(module=str(module)):
                yield from {module.partition(".")[0]} & POSIX_ONLY
            case ast.Attribute(value=ast.Name(id="os"), attr=attribute) if attribute in POSIX_ONLY_OF_OS:
                yield f"os.{attribute}"


def test_texts_are_read_and_written_in_utf_8(root: Path) -> None:
    """Windows has another default, in which a page or a report would come out broken."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Attribute(attr="read_text" | "write_text"), keywords=keywords):
                    if "encoding" not in {keyword.arg for keyword in keywords}:
                        found.append(f"{path.relative_to(root)}:{call.lineno}")
    assert found == []
