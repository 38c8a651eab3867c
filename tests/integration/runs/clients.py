"""Clients of a moto world that a test may watch, and end at any call."""

from __future__ import annotations

from typing import Any

import boto3

REGION = "us-east-1"


class Killed(BaseException):
    """The process ended here; nothing that it would have done comes after."""


class Clients:
    """Clients of one moto world; a role is taken on without asking, and a test may look at every call or end the process at one."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.calls: list[str] = []
        self.kill_at = -1
        self.kill_after = False  # whether the call at which the process ends still arrives

    def client(self, service: str) -> Any:
        """The same client every time."""
        if service not in self.made:
            self.made[service] = boto3.client(service, region_name=REGION)
            self.made[service].meta.events.register("before-call", self._before)
            self.made[service].meta.events.register("after-call", self._after)
        return self.made[service]

    def assume(self, role_arn: str, service: str) -> Any:
        """The role's client is everybody's."""
        return self.client(service)

    def watch(self, kill_at: int = -1, *, kill_after: bool = False) -> None:
        """Count calls anew and end the process at one of them."""
        self.calls, self.kill_at, self.kill_after = [], kill_at, kill_after

    def _before(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)
        if len(self.calls) - 1 == self.kill_at and not self.kill_after:
            raise Killed(model.name)

    def _after(self, model: Any, **_: Any) -> None:
        if len(self.calls) - 1 == self.kill_at and self.kill_after:
            raise Killed(model.name)
