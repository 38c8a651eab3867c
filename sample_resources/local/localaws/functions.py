"""Lambda: warm environments per function, synchronous and asynchronous invocation."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localaws.activity import Activity
from localaws.environment import Environment, Outcome, failure

log = logging.getLogger(__name__)
ENVIRONMENTS = 2  # per function; a further concurrent call waits its turn
TURN_SECONDS = 3600.0  # that it waits at most: as long as a few calls before it may take
RETRY_SECONDS = (0.1, 0.2)  # one and two minutes in AWS


@dataclass(frozen=True)
class Settings:
    """What a deployed function runs with."""

    arn: str
    name: str
    handler: str
    folder: Path
    role_arn: str
    timeout: float
    variables: tuple[tuple[str, str], ...]
    stamp: tuple[Any, ...] = ()


@dataclass
class _Pool:
    settings: Settings
    idle: list[Environment] = field(default_factory=list)
    busy: list[Environment] = field(default_factory=list)
    kill_after: float | None = None  # seconds into the next call


class Functions:
    """All functions' environments. ``start`` makes one from settings, ``deliver`` sends a failed event to where it belongs."""

    def __init__(
        self, activity: Activity, start: Callable[[Settings], Environment], deliver: Callable[[Settings, str, dict[str, Any]], None]
    ) -> None:
        self._activity = activity
        self._start = start
        self._deliver = deliver
        self._pools: dict[str, _Pool] = {}
        self._free = threading.Condition()
        self._threads = ThreadPoolExecutor(16, "async")

    def invoke(self, settings: Settings, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run one event and wait for its outcome."""
        with self._activity.track(f"function {settings.name}"):
            try:
                environment = self._acquire(settings)
            except Exception as error:  # the platform's fault, reported as Lambda does: an error of the invocation
                log.exception("cannot start %s", settings.name)
                return failure("Runtime.InitError", str(error))
            try:
                self._disturb(self._pools[settings.name], environment)
                return environment.invoke(payload, settings.timeout, request_id)
            finally:
                self._release(settings.name, environment)

    def submit(self, settings: Settings, payload: bytes, retries: int, on_failure: dict[str, str]) -> None:
        """Run one event later; after its last failed attempt it goes to ``on_failure`` (destination or dead-letter queue)."""
        name = f"event for {settings.name}"
        self._activity.begin(name)

        def run() -> None:
            try:
                self._attempt(settings, payload, retries, on_failure)
            except Exception:
                log.exception("asynchronous event of %s was lost", settings.name)
            finally:
                self._activity.end(name)

        self._threads.submit(run)

    def _attempt(self, settings: Settings, payload: bytes, retries: int, on_failure: dict[str, str]) -> None:
        request_id = str(uuid.uuid4())
        for attempt in range(retries + 1):
            outcome = self.invoke(settings, payload, request_id)
            if outcome.error is None:
                return
            log.warning("%s failed (%d of %d): %s", settings.name, attempt + 1, retries + 1, outcome.payload[:300].decode(errors="replace"))
            if attempt < retries:
                time.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
        for kind, target in on_failure.items():
            self._deliver(settings, target, failed_event(kind, settings, payload, outcome, attempts=retries + 1, request_id=request_id))

    def _disturb(self, pool: _Pool, environment: Environment) -> None:
        """Kill the environment as ``kill`` asked: at once, or while it handles the event."""
        after = pool.kill_after
        pool.kill_after = None
        if after == 0:
            environment.kill()
        elif after is not None:
            threading.Timer(after, environment.kill).start()

    def kill(self, name: str, after: float) -> str:
        """Kill what runs now, or ``after`` some seconds of the next call when nothing does; return which of the two."""
        with self._free:
            pool = self._pools.get(name)
            if pool and pool.busy:
                for environment in pool.busy:
                    environment.kill()
                return "now"
            self._pools.setdefault(name, _Pool(Settings("", name, "", Path(), "", 0, ()))).kill_after = after
            return "next call"

    def forget(self, name: str) -> None:
        """End a deleted function's environments."""
        with self._free:
            pool = self._pools.pop(name, None)
        for environment in pool.idle if pool else []:
            environment.close()

    def close(self) -> None:
        """End every environment."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._free:
            pools = list(self._pools.values())
            self._pools = {}
        for pool in pools:
            for environment in pool.idle + pool.busy:
                environment.close()

    def _acquire(self, settings: Settings) -> Environment:
        deadline = time.monotonic() + TURN_SECONDS
        with self._free:
            while True:
                pool = self._pools.setdefault(settings.name, _Pool(settings))
                if pool.settings != settings:
                    pool.settings = settings
                    while pool.idle:
                        pool.idle.pop().close()
                while pool.idle:
                    environment = pool.idle.pop()
                    if environment.is_alive:
                        pool.busy.append(environment)
                        return environment
                    environment.close()
                if len(pool.busy) < ENVIRONMENTS:
                    environment = self._start(settings)
                    environment.settings = settings
                    pool.busy.append(environment)
                    return environment
                if not self._free.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"waited {TURN_SECONDS:g} s for one of {ENVIRONMENTS} environments of {settings.name}, in vain")

    def _release(self, name: str, environment: Environment) -> None:
        with self._free:
            pool = self._pools.get(name)
            if pool and environment in pool.busy:
                pool.busy.remove(environment)
            is_current = pool and environment.is_alive and environment.settings == pool.settings
            if is_current:
                pool.idle.append(environment)
            else:
                environment.close()
            self._free.notify_all()


def failed_event(kind: str, settings: Settings, payload: bytes, outcome: Outcome, *, attempts: int, request_id: str) -> dict[str, Any]:
    """Return what a destination (a record) or a dead-letter queue (the event and attributes) receives."""
    error = json.loads(outcome.payload or b"{}")
    if kind == "dead-letter":
        return {
            "body": payload.decode(),
            "attributes": {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": str(error.get("errorMessage", ""))[:1024] or "-"},
        }
    return {
        "body": json.dumps(
            {
                "version": "1.0",
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "requestContext": {
                    "requestId": request_id,
                    "functionArn": f"{settings.arn}:$LATEST",
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": attempts,
                },
                "requestPayload": json.loads(payload),
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": outcome.error},
                "responsePayload": error,
            }
        ),
        "attributes": {},
    }
