"""Everything that can go wrong, by name; each error names the field and the value at fault."""

from dataclasses import dataclass

LONGEST_REASON = 256  # characters of a failure's reason, as the API has it


def shorten(text: str, most: int = LONGEST_REASON) -> str:
    """The text, or as much of it as there is room for.

    >>> shorten("no such column", 8)
    'no such…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def one_line(text: str) -> str:
    """The text with every character shown that would steer a terminal or begin a line: values of data are nobody's to trust.

    >>> print(one_line("de\\nDetector: mine\\x1b[31m"))
    de\\nDetector: mine\\x1b[31m
    """
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class L4mError(Exception):
    """Base of every error a user can cause or mend."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an input: where it stands and what is the matter with it."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidInput(L4mError):
    """An input was refused; ``faults`` lists everything that is wrong with it at once."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class TooLarge(InvalidInput):
    """There is more data than can be held at once."""


class NotFound(L4mError):
    """A resource that was asked for does not exist."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind} {identifier!r} does not exist")
        self.kind = kind
        self.identifier = identifier


class Conflict(L4mError):
    """The resource exists already, or its state does not allow the call."""

    def __init__(self, message: str, kind: str = "", identifier: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.identifier = identifier


class QuotaExceeded(L4mError):
    """A limit was reached; the operator raises it by a parameter of the service's stack, if there is one."""

    def __init__(self, quota: str, limit: int, parameter: str = "") -> None:
        advice = f"; the stack's parameter {parameter} raises it" if parameter else ""
        super().__init__(f"{quota}: the limit of {limit} is reached{advice}")
        self.quota = quota
        self.limit = limit
        self.parameter = parameter


class AccessDenied(L4mError):
    """A role given by the user does not allow what has to be done with it."""


class Unreadable(L4mError):
    """Something that was stored is gone, damaged, or of a later version; ``place`` is where it lies, or what it is."""

    def __init__(self, place: str, reason: str, *, is_newer: bool = False) -> None:
        super().__init__(f"{place} {reason}")
        self.place = place
        self.reason = reason
        self.is_newer = is_newer


class StateUnreadable(Unreadable):
    """What a detector learned cannot be read; ``place`` is the key of the state."""


class SourceUnavailable(L4mError):
    """A data source could not be read; trying again later may help."""
