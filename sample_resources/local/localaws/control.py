"""What scripts and tests ask of the local cloud beyond AWS, under ``/_local/``."""

import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Any

from moto.sns.models import sns_backends
from werkzeug.wrappers import Request, Response

from localaws.stacks.deployment import delete_stack, deploy

if TYPE_CHECKING:
    from localaws.cloud import Cloud

log = logging.getLogger(__name__)


class Control:
    """One method per route; bodies and answers are JSON."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._routes: dict[str, Callable[[dict[str, Any]], Any]] = {
            "status": self.status,
            "deploy": self.deploy,
            "delete-stack": self.delete,
            "fire": self.fire,
            "wait-idle": self.wait_idle,
            "enforce-iam": self.enforce_iam,
            "kill-function": self.kill_function,
            "logs": self.logs,
            "messages": self.messages,
            "stop": self.stop,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request; a failure is a 400 with the error's text."""
        route = self._routes.get(request.path.removeprefix("/_local/"))
        if route is None:
            return Response('{"error": "no such route"}', 404, content_type="application/json")
        try:
            answer = route(json.loads(request.get_data() or b"{}"))
            status = 200
        except Exception as error:  # reported to the caller, whoever's fault it is
            log.exception("%s", request.path)
            answer = {"error": f"{type(error).__name__}: {error}"}
            status = 400
        return Response(json.dumps(answer, default=str), status, content_type="application/json")

    def status(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return endpoint, environment, what is in flight, how many statements Redshift was sent, and events that were refused."""
        return {
            "pid": os.getpid(),
            "endpoint": self._cloud.endpoint,
            "environment": self._cloud.environment(),
            "busy": self._cloud.activity.names(),
            "statements": self._cloud.data_api.submitted,
            "refused": self._cloud.delivery.refused,
        }

    def deploy(self, body: dict[str, Any]) -> dict[str, str]:
        """Create or update a stack from a template file; return its outputs."""
        return deploy(self._cloud, Path(body["template"]), body["name"], body.get("parameters") or {})

    def delete(self, body: dict[str, Any]) -> None:
        """Delete a stack and what it made."""
        delete_stack(self._cloud, body["name"])

    def fire(self, body: dict[str, Any]) -> dict[str, int]:
        """Fire all that is due in [start, end)."""
        return {"fired": self._cloud.clock.fire(datetime.fromisoformat(body["start"]), datetime.fromisoformat(body["end"]))}

    def wait_idle(self, body: dict[str, Any]) -> dict[str, list[str]]:
        """Wait until nothing is in flight."""
        return {"busy": self._cloud.activity.wait_idle(float(body.get("timeout", 60)))}

    def enforce_iam(self, body: dict[str, Any]) -> None:
        """Switch the enforcement of IAM on or off."""
        self._cloud.guard.is_enforcing = bool(body["enforce"])

    def kill_function(self, body: dict[str, Any]) -> dict[str, str]:
        """Kill a function's runtime now, or at its next call; ``name`` may be a logical id."""
        return {"killed": self._cloud.functions.kill(self._function_name(body["name"]), float(body.get("after", 0.05)))}

    def logs(self, body: dict[str, Any]) -> dict[str, str]:
        """Return what a function wrote."""
        file = self._cloud.home / "logs" / f"{self._function_name(body['name'])}.log"
        return {"log": file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""}

    def messages(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return every message published to SNS topics, oldest first per topic, with who was subscribed."""
        backend = sns_backends[self._cloud.place.account][self._cloud.place.region]
        found = []
        for arn, topic in list(backend.topics.items()):
            subscribers = [f"{item.protocol}:{item.endpoint}" for item in backend.subscriptions.values() if item.topic.arn == arn]
            for message_id, message, subject, attributes, _ in topic.sent_notifications:
                found.append(
                    {
                        "topic": arn,
                        "id": message_id,
                        "message": message,
                        "subject": subject,
                        "attributes": attributes,
                        "subscribers": subscribers,
                    }
                )
        return found

    def stop(self, body: dict[str, Any]) -> None:
        """End the server after this answer."""
        threading.Timer(0.05, os.kill, (os.getpid(), SIGTERM)).start()

    def _function_name(self, name: str) -> str:
        functions = [
            item["FunctionName"]
            for page in self._cloud.client("lambda").get_paginator("list_functions").paginate()
            for item in page["Functions"]
        ]
        if name in functions:
            return name
        matching = [item for item in functions if f"-{name}-" in item]
        if len(matching) != 1:
            raise ValueError(f"{name} names {len(matching)} functions of {functions}")
        return matching[0]
