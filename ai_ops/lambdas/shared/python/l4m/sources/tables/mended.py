"""What came of a text file that was written anew: where it is, which lines are no rows, and what was read otherwise than it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_SAMPLE = 60


@dataclass(frozen=True)
class Lines:
    """Lines that share a reason: how many, and the first of them."""

    reason: str
    count: int
    line: int
    sample: str


@dataclass(frozen=True)
class Mended:
    """The file that is read in place of the user's; where rows have lines of their own there, ``lines`` says which."""

    path: Path
    refused: tuple[Lines, ...] = ()
    changed: tuple[Lines, ...] = ()
    lines: Sequence[int] | None = None  # of each row, counted from 1, in the user's file; None: the same as in this one


class LineCounter:
    """Counts lines by reason, and remembers the first of each."""

    def __init__(self) -> None:
        self._found: dict[str, Lines] = {}

    def add(self, reason: str, line: int, text: str, count: int = 1) -> None:
        """Count a line, or several of which this is the first."""
        known = self._found.get(reason) or Lines(reason, 0, line, text.strip()[:LONGEST_SAMPLE])
        self._found[reason] = Lines(reason, known.count + count, known.line, known.sample)

    @property
    def found(self) -> tuple[Lines, ...]:
        """What was counted."""
        return tuple(self._found.values())
