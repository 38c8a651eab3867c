"""What becomes of a statement, whichever database runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from l4m.errors import L4mError


class StatementFailed(L4mError):
    """The database refused or broke off a statement."""


class StatementAborted(L4mError):
    """Somebody cancelled a statement, or the database restarted under it."""


class StatementTimedOut(L4mError):
    """A statement ran longer than it may."""


class Phase(StrEnum):
    """Where a statement stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    TIMED_OUT = "TIMED_OUT"
    UNKNOWN = "UNKNOWN"  # the database has forgotten it


ERRORS: Mapping[Phase, type[L4mError]] = {
    Phase.FAILED: StatementFailed,
    Phase.ABORTED: StatementAborted,
    Phase.TIMED_OUT: StatementTimedOut,
    Phase.UNKNOWN: StatementAborted,
}


@dataclass(frozen=True)
class Statement:
    """What a database says of a statement."""

    id: str
    phase: Phase
    error: str = ""

    def failure(self) -> L4mError:
        """The error that stands for a phase that is neither running nor finished; an id that says all itself is left out."""
        named = "" if self.id.startswith("{") else f"statement {self.id}: "
        return ERRORS[self.phase](f"{named}{self.error or self.phase}")
