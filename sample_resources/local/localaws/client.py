"""Start a local cloud from Python, and talk to it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from signal import SIGKILL
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from localaws.waiting import wait_until

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
CALL_SECONDS = 900.0  # for an answer of the server; what is asked to wait says so itself
FIRE_SECONDS = 7200.0  # days of schedules, one after the other, are fired in one call


class LocalAwsError(Exception):
    """The local cloud refused; the text says why."""


class LocalAws:
    """A running local cloud. ``start`` makes one that ends with this process; ``attach`` finds one by its home folder."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes] | None, state: Mapping[str, Any]) -> None:
        self.home = home
        self._process = process
        self.endpoint: str = state["endpoint"]
        self.pid: int = state["pid"]
        self._environment: dict[str, str] = dict(state["environment"])
        self._clients: dict[str, Any] = {}

    @classmethod
    def start(cls, home: Path, region: str = "us-east-1", port: int = 0, attached: bool = True) -> Self:
        """Start a server whose state lives in ``home`` (made, and removed at the end) and wait until it is ready."""
        if is_running(home):
            raise LocalAwsError(f"{home}: a local cloud is already running there")
        _make_home(home)
        command = [sys.executable, "-m", "localaws.server", "--home", str(home.resolve()), "--region", region, "--port", str(port)]
        with (home / "start.log").open("w+b") as errors:
            process = subprocess.Popen(
                [*command, "--attached"] if attached else command,
                stdin=subprocess.PIPE if attached else subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env={**os.environ, "MALLOC_ARENA_MAX": "2"},
                start_new_session=True,
            )
            try:
                _await_ready(home, process)
            except BaseException as error:  # an interrupt too must leave nothing behind
                _abandon(home, process)
                errors.seek(0)
                if isinstance(error, LocalAwsError):
                    raise LocalAwsError(f"{error}: {errors.read().decode()[-2000:]}") from error
                raise
        return cls(home, process, read_state(home))

    @classmethod
    def attach(cls, home: Path) -> Self:
        """Return the cloud that runs in ``home``."""
        if not is_running(home):
            raise LocalAwsError(f"{home}: no local cloud runs there")
        return cls(home, None, read_state(home))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and all it started; its home folder goes with it."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._process is None:
            self._call("stop", {})
            try:
                wait_until(f"{self.home} to be gone", lambda: not self.home.exists(), STOP_SECONDS)
            except TimeoutError:
                os.kill(self.pid, SIGKILL)
                shutil.rmtree(self.home, ignore_errors=True)
            return
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        shutil.rmtree(self.home, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Return the variables to export so that any AWS client talks to this cloud."""
        return dict(self._environment)

    def client(self, service: str) -> Any:
        """Return a boto3 client with the administrator's keys."""
        if service not in self._clients:
            import boto3  # noqa: PLC0415 (scripts that only ask for the status do without)
            from botocore.config import Config  # noqa: PLC0415

            env = self._environment
            session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"])
            session._loader.search_paths.append(env["AWS_DATA_PATH"])
            config = Config(retries={"max_attempts": 0}, read_timeout=920, s3={"addressing_style": "path"})
            self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=config)
        return self._clients[service]

    def deploy(self, template: Path, name: str, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Create or update a stack; return its outputs."""
        return dict(self._call("deploy", {"template": str(Path(template).resolve()), "name": name, "parameters": dict(parameters or {})}))

    def delete_stack(self, name: str) -> None:
        """Delete a stack."""
        self._call("delete-stack", {"name": name})

    def fire(self, start: datetime, end: datetime) -> int:
        """Fire every rule and schedule due in [start, end), in order; return how many."""
        return int(self._call("fire", {"start": start.isoformat(), "end": end.isoformat()}, FIRE_SECONDS)["fired"])

    def wait_idle(self, timeout: float = 60.0) -> None:
        """Wait until no function, statement or execution is in flight; raises ``TimeoutError`` naming what is."""
        busy = self._call("wait-idle", {"timeout": timeout}, timeout + READY_SECONDS)["busy"]
        if busy:
            raise TimeoutError(f"still busy after {timeout} s: {busy}")

    def enforce_iam(self, enforce: bool) -> None:
        """Switch the enforcement of IAM on (as at the start) or off."""
        self._call("enforce-iam", {"enforce": enforce})

    def kill_function(self, name: str, after: float = 0.05) -> str:
        """Kill a function's runtime now, or ``after`` so many seconds of its next call when it is idle; return which."""
        return str(self._call("kill-function", {"name": name, "after": after})["killed"])

    def logs(self, function: str) -> str:
        """Return what a function wrote."""
        return str(self._call("logs", {"name": function})["log"])

    def messages(self, topic: str | None = None) -> list[dict[str, Any]]:
        """Return the messages published to topics (to one, if its ARN is given)."""
        return [item for item in self._call("messages", {}) if topic in (None, item["topic"])]

    def status(self) -> dict[str, Any]:
        """Return endpoint, environment and what is in flight."""
        return dict(self._call("status", {}))

    def _call(self, route: str, body: Mapping[str, Any], seconds: float = CALL_SECONDS) -> Any:
        request = Request(f"{self.endpoint}/_local/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST")
        try:
            with urlopen(request, timeout=seconds) as answer:
                return json.loads(answer.read())
        except TimeoutError as error:
            raise LocalAwsError(
                f"the local cloud did not answer {route} within {seconds:g} s; {self.home}/server.log may say why"
            ) from error
        except OSError as error:
            text = error.read().decode() if hasattr(error, "read") else str(error)
            raise LocalAwsError(json.loads(text)["error"] if text.startswith("{") else text) from error


def _await_ready(home: Path, process: subprocess.Popen[bytes]) -> None:
    def is_over() -> bool:
        return (home / "server.json").exists() or process.poll() is not None

    try:
        wait_until("the local cloud to start", is_over, READY_SECONDS)
    except TimeoutError as error:
        raise LocalAwsError(str(error)) from error
    if process.poll() is not None:
        raise LocalAwsError("the local cloud did not start")


def _make_home(home: Path) -> None:
    """Make the folder, over what a killed server left there; it is removed at the end, so nobody else's may be in it."""
    if (home / "server.json").exists():
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise LocalAwsError(f"{home} is not empty: choose a folder of its own, for it is removed at the end")


def _abandon(home: Path, process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(STOP_SECONDS)
    if process.stdin:
        process.stdin.close()
    shutil.rmtree(home, ignore_errors=True)


def read_state(home: Path) -> dict[str, Any]:
    """Return what a running server wrote into its home folder."""
    return dict(json.loads((home / "server.json").read_text(encoding="utf-8")))


def is_running(home: Path) -> bool:
    """Whether a server answers in this home folder."""
    try:
        with urlopen(f"{read_state(home)['endpoint']}/_local/status", timeout=10) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError, KeyError):
        return False
