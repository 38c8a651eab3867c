"""Roles that sources are read under."""

from __future__ import annotations

from collections.abc import Iterator

from l4m.arns import account_of_role
from l4m.errors import Fault


def role_faults(field: str, arn: str, account: str) -> Iterator[Fault]:
    """A role has to be one of this account: another account's data is never touched."""
    owner = account_of_role(arn)
    if not arn:
        yield Fault(field, "is required")
    elif owner is None:
        yield Fault(field, f"{arn!r} is not the ARN of a role")
    elif owner != account:
        yield Fault(field, f"{arn!r} belongs to another account than this service's, {account}")
