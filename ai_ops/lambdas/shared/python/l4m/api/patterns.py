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


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as a compiled regular expression, for ``fullmatch``."""
    translated = pattern.replace(_SURROGATES, r"\U00010000-\U0010FFFF")
    if _ALNUM in translated:
        translated = translated.replace(_ALNUM, "[A-Za-z0-9").replace(_SECONDS, _OPTIONAL_SECONDS)
    for slow, quick in _LINEAR.items():
        translated = translated.replace(slow, quick)
    return re.compile(translated, re.ASCII)
