"""Patterns of the service model, which are Java's, in Python's words; a value has to match as a whole."""

from __future__ import annotations

import re
from functools import cache

_ALNUM = "[[:alnum:]"  # POSIX: Python has no such class
_SURROGATES = r"\uD800\uDC00-\uDBFF\uDFFF"
_SECONDS = r":([0-5]\d)(Z|"
# Loose on purpose: the service's own answers leave the seconds out, and what it said can be asked for.
_OPTIONAL_SECONDS = r"(?::([0-5]\d))?(Z(?:\[UTC\])?|"
# The same texts, without the many ways to try them that a hostile value could make slow.
_LINEAR = {r".*\S.*": r"[^\S\n]*\S.*", r".*:.*:.*:.+": r"[^:\n]*:[^:\n]*:[^:\n]*:.+"}
_WORDS = {
    r".*\S.*": "is blank",
    r"^[a-zA-Z0-9][a-zA-Z0-9\-_]*": "has to begin with a letter or a digit and to hold only letters, digits, - and _",
    r"arn:([a-z\d-]+):.*:.*:.*:.+": "is not an ARN",
    r"^s3://[a-z0-9].+$": "is not a path such as s3://bucket/folder/",
    r"^s3://[a-zA-Z0-9_\-\/ {}=]+$": "is not a path such as s3://bucket/{{yyyyMMdd}}/{{HHmm}}, of letters, digits, / - _ = and spaces",
    r"[a-z0-9]{8}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{12}": "is not a UUID",
}
_WORDS_BY_PART = {_ALNUM: "is not a time such as 2026-03-01T04:00:00Z", ":kms:": "is not the ARN of a KMS key; an alias will not do"}


def describe_mismatch(pattern: str) -> str:
    """What is the matter with a value that a pattern refuses.

    >>> describe_mismatch("[a-z]+")
    'does not match [a-z]+'
    """
    by_part = (words for part, words in _WORDS_BY_PART.items() if part in pattern)
    return _WORDS.get(pattern) or next(by_part, f"does not match {pattern}")


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as a compiled regular expression, for ``fullmatch``."""
    translated = pattern.replace(_SURROGATES, r"\U00010000-\U0010FFFF")
    if _ALNUM in translated:
        translated = translated.replace(_ALNUM, "[A-Za-z0-9").replace(_SECONDS, _OPTIONAL_SECONDS)
    for slow, quick in _LINEAR.items():
        translated = translated.replace(slow, quick)
    return re.compile(translated, re.ASCII)
