"""What a function was deployed with: its environment variables, checked when they are read."""

import os


def required(name: str) -> str:
    """Return a variable that has to be set; a missing one is a fault of the template."""
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"the environment variable {name} is not set")
    return value


def optional(name: str) -> str | None:
    """Return a variable, or None when it is not set or empty."""
    return os.environ.get(name) or None


def whole_number(name: str, default: int) -> int:
    """Return a variable as a number."""
    value = os.environ.get(name) or str(default)
    try:
        return int(value)
    except ValueError as error:
        raise RuntimeError(f"the environment variable {name} is no whole number: {value!r}") from error
