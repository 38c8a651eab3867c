"""Sending a message: to a topic or a function under the alert's role, or to the event bus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from l4m.alerts.notices import EVENT, EVENT_SOURCE, LAMBDA


class Clients(Protocol):
    """AWS clients by the name of their service."""

    def client(self, service: str) -> Any:
        """The client of a service under the function's own role."""

    def assume(self, role_arn: str, service: str) -> Any:
        """The client of a service under a role that a user gave."""


@dataclass(frozen=True)
class Courier:
    """Sends messages; whatever the service answers instead of accepting one is raised."""

    clients: Clients
    event_bus: str

    def send(self, kind: str, body: Mapping[str, Any]) -> None:
        """Send one message once."""
        if kind == EVENT:
            self._put_event(body)
        elif kind == LAMBDA:
            self._invoke(body)
        else:
            self._publish(body)

    def _publish(self, body: Mapping[str, Any]) -> None:
        message = body.get("text") or json.dumps(body["payload"])
        extra = {"Subject": body["subject"]} if body.get("subject") else {}
        if body["topic_arn"].endswith(".fifo"):
            event = body["payload"]["alertEventId"].rsplit("/", 1)[1]
            extra |= {"MessageGroupId": body["group_id"], "MessageDeduplicationId": event}
        self.clients.assume(body["role_arn"], "sns").publish(TopicArn=body["topic_arn"], Message=message, **extra)

    def _invoke(self, body: Mapping[str, Any]) -> None:
        client = self.clients.assume(body["role_arn"], "lambda")
        client.invoke(FunctionName=body["function_arn"], InvocationType="Event", Payload=json.dumps(body["payload"]).encode())

    def _put_event(self, body: Mapping[str, Any]) -> None:
        entry = {
            "Source": EVENT_SOURCE,
            "DetailType": body["detail_type"],
            "Detail": json.dumps(body["detail"]),
            "Resources": body["resources"],
            "EventBusName": self.event_bus,
        }
        answer = self.clients.client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise NotAcceptedError(f"{self.event_bus}: {answer['Entries'][0].get('ErrorMessage', 'not accepted')}")


class NotAcceptedError(Exception):
    """The event bus took the request but not the event."""
