"""What a use case works with: clients, table, bucket, place and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from l4m.arns import Scope
from l4m.store.resources import Resources
from l4m.store.table import Table


class Clients(Protocol):
    """AWS clients by the name of their service."""

    def client(self, service: str) -> Any:
        """The client of a service under the function's own role."""

    def assume(self, role_arn: str, service: str) -> Any:
        """The client of a service under a role that a user gave."""


@dataclass(frozen=True)
class Limits:
    """Quotas that the operator sets; reaching one is answered with ServiceQuotaExceededException."""

    detectors: int = 100
    alerts_per_detector: int = 100
    measures: int = 50
    dimensions: int = 20
    tags: int = 50


@dataclass(frozen=True)
class Context:
    """One call's surroundings; ``now`` is the caller's time in UTC."""

    clients: Clients
    table: Table
    bucket: str
    region: str
    account: str
    partition: str
    now: datetime
    run_function_arn: str
    limits: Limits = field(default_factory=Limits)

    @property
    def resources(self) -> Resources:
        """Detectors, metric sets, alerts and feedback."""
        return Resources(self.table)

    @property
    def scope(self) -> Scope:
        """Where new resources belong."""
        return Scope(self.partition, self.region, self.account)
