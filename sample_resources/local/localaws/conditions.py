"""The Condition element of IAM statements."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)
def _wild(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in text), re.DOTALL)


def _like(actual: str, expected: str) -> bool:
    return bool(_wild(expected).fullmatch(actual))


def _same(actual: str, expected: str) -> bool:
    return actual == expected


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": _same,
    "stringequalsignorecase": lambda actual, expected: actual.lower() == expected.lower(),
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
    "bool": lambda actual, expected: actual.lower() == expected.lower(),
    "numericequals": lambda actual, expected: float(actual) == float(expected),
    "numericlessthan": lambda actual, expected: float(actual) < float(expected),
    "numericlessthanequals": lambda actual, expected: float(actual) <= float(expected),
    "numericgreaterthan": lambda actual, expected: float(actual) > float(expected),
    "numericgreaterthanequals": lambda actual, expected: float(actual) >= float(expected),
}
NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "numericnotequals": "numericequals",
}


def conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    """Whether every operator and key of a Condition element holds; ``context`` has lower-case keys."""
    return all(
        _holds(
            operator,
            context.get(key.lower()),
            [filled(_text(value), context) for value in (values if isinstance(values, list) else [values])],
        )
        for operator, expected in conditions.items()
        for key, values in expected.items()
    )


def filled(text: str, context: Mapping[str, str]) -> str:
    """Put the context's values in for policy variables such as ``${aws:userid}``."""
    if "${" not in text:
        return text
    return re.sub(r"\$\{([^}]+)\}", lambda found: context.get(found[1].lower(), found[0]), text)


def _holds(operator: str, actual: str | None, wanted: list[str]) -> bool:
    name = operator.lower().removeprefix("foranyvalue:").removeprefix("forallvalues:")
    if name == "null":
        return (actual is None) == (wanted[0] == "true")
    if name.endswith("ifexists"):
        if actual is None:
            return True
        name = name.removesuffix("ifexists")
    if name in NEGATED:
        return actual is None or not any(OPERATORS[NEGATED[name]](actual, item) for item in wanted)
    if name not in OPERATORS:
        raise ValueError(f"condition operator {operator} is not known here")
    if actual is None:
        return operator.lower().startswith("forallvalues:")
    return any(OPERATORS[name](actual, item) for item in wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
