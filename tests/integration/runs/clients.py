"""Clients of a moto world that a test may watch, and end at any call."""

from __future__ import annotations

from collections.abc import Callable
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
        self.meanwhile: tuple[int, Callable[[], None]] | None = None

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
        self.calls, self.kill_at, self.kill_after, self.meanwhile = [], kill_at, kill_after, None

    def interrupt(self, at: int, other: Callable[[], None]) -> None:
        """Count calls anew and let somebody else in before one of them."""
        self.watch()
        self.meanwhile = (at, other)

    def _before(self, model: Any, **_: Any) -> None:
        if self.meanwhile and len(self.calls) == self.meanwhile[0]:
            (_, other), self.meanwhile = self.meanwhile, None
            calls, self.calls = self.calls, []
            other()
            self.calls = calls
        self.calls.append(model.name)
        if len(self.calls) - 1 == self.kill_at and not self.kill_after:
            raise Killed(model.name)

    def _after(self, model: Any, **_: Any) -> None:
        if len(self.calls) - 1 == self.kill_at and self.kill_after:
            raise Killed(model.name)
