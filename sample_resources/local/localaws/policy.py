"""IAM policy documents: does a statement allow or deny this request?"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from localaws.conditions import conditions_hold, filled


@dataclass(frozen=True)
class Access:
    """One access that somebody wants: ``action`` on ``resource`` by ``principal`` in a context."""

    action: str
    resource: str
    principal: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def pattern(text: str, fold: bool = False) -> re.Pattern[str]:
    """Compile IAM's wildcards ``*`` and ``?``; ``fold`` ignores case."""
    body = "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in text)
    return re.compile(body, re.DOTALL | (re.IGNORECASE if fold else 0))


@lru_cache(maxsize=1024)
def statements(document: str) -> tuple[dict[str, Any], ...]:
    """Return the statements of a policy document as a tuple."""
    found = json.loads(document).get("Statement", [])
    return tuple(found) if isinstance(found, list) else (found,)


def decide(documents: Iterable[str], access: Access) -> bool | None:
    """Return False for an explicit deny, True for an allow, None when no statement speaks of the access."""
    verdict: bool | None = None
    for document in documents:
        for statement in statements(document):
            if not speaks_of(statement, access):
                continue
            if statement.get("Effect") == "Deny":
                return False
            verdict = True
    return verdict


def speaks_of(statement: Mapping[str, Any], access: Access) -> bool:
    """Whether action, resource, principal and conditions of a statement all match."""
    return (
        _matches_action(statement, access.action)
        and _matches_resource(statement, access)
        and _matches_principal(statement, access.principal)
        and conditions_hold(statement.get("Condition") or {}, access.context)
    )


def as_list(value: Any) -> list[Any]:
    """Return the value as a list, as policies allow both forms."""
    return value if isinstance(value, list) else [value]


def _matches_action(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(pattern(item, True).fullmatch(action) for item in as_list(statement["NotAction"]))
    return any(pattern(item, True).fullmatch(action) for item in as_list(statement.get("Action", [])))


def _matches_resource(statement: Mapping[str, Any], access: Access) -> bool:
    def any_of(items: Any) -> bool:
        return any(pattern(filled(item, access.context)).fullmatch(access.resource) for item in as_list(items))

    if "NotResource" in statement:
        return not any_of(statement["NotResource"])
    return "Resource" not in statement or any_of(statement["Resource"])


def _matches_principal(statement: Mapping[str, Any], principal: str) -> bool:
    if "NotPrincipal" in statement:
        return not _is_among(statement["NotPrincipal"], principal)
    return "Principal" not in statement or _is_among(statement["Principal"], principal)


def _is_among(named: Any, principal: str) -> bool:
    if named == "*":
        return True
    for kind, values in named.items():
        for value in as_list(values):
            if value in ("*", principal) or (kind == "AWS" and _is_account_of(value, principal)):
                return True
    return False


def _is_account_of(value: str, principal: str) -> bool:
    """Whether ``value`` names the account, or the role, that the caller's session belongs to."""
    parts = principal.split(":")
    if len(parts) < 6:
        return False
    if value in (parts[4], f"arn:{parts[1]}:iam::{parts[4]}:root"):
        return True
    session = parts[5].split("/")
    is_role = value.startswith(f"arn:{parts[1]}:iam::{parts[4]}:role/")
    return session[0] == "assumed-role" and is_role and value.rsplit("/", 1)[-1] == session[1]
