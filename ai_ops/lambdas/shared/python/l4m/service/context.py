"""What a use case works with: clients, table, bucket, place and time."""

from __future__ import annotations

from collections.abc import Mapping
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
class RunEnvironment:
    """Where runs are scheduled and messages go; only the run function needs it."""

    schedule_group: str = "default"
    schedule_role_arn: str = ""
    event_bus: str = "default"
    schedule_queue_arn: str = ""
    undelivered_queue_url: str = ""
    late_intervals: int = 24  # how far back late data is looked for
    most_series: int = 50_000  # measures times combinations of dimension values, of one detector
    series_at_once: int = 50_000  # of a detector that one function learns; more are learned in shards
    shards_at_once: int = 5
    learn_machine_arn: str = ""  # which does that
    memory_mb: int = 3008

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> RunEnvironment:
        """As the template tells the run function."""
        return cls(
            schedule_group=variables["SCHEDULE_GROUP"],
            schedule_role_arn=variables["SCHEDULER_ROLE_ARN"],
            schedule_queue_arn=variables["SCHEDULE_QUEUE_ARN"],
            event_bus=variables["EVENT_BUS"],
            undelivered_queue_url=variables["UNDELIVERED_QUEUE_URL"],
            late_intervals=int(variables["LATE_INTERVALS"]),
            most_series=int(variables["MAX_SERIES"]),
            series_at_once=int(variables["SERIES_AT_ONCE"]),
            shards_at_once=int(variables["SHARDS_AT_ONCE"]),
            learn_machine_arn=variables["LEARN_MACHINE_ARN"],
            memory_mb=int(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        )


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
    caller: str = ""  # ARN of whom a call of the API comes from; runs have none, and are handed no roles
    passed_roles: dict[tuple[str, str], datetime] = field(default_factory=dict)  # by caller and role, until when that was found allowed
    limits: Limits = field(default_factory=Limits)
    environment: RunEnvironment = field(default_factory=RunEnvironment)

    @property
    def resources(self) -> Resources:
        """Detectors, metric sets, alerts and feedback."""
        return Resources(self.table)

    @property
    def scope(self) -> Scope:
        """Where new resources belong."""
        return Scope(self.partition, self.region, self.account)
