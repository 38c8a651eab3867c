"""One Lambda execution environment: a process of the official runtime, and the runtime API that feeds it."""

import json
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KILL_SECONDS = 10.0  # for a process to end that was killed
INIT_SECONDS = 30.0  # the time that a cold start may take before the handler's own time begins


@dataclass(frozen=True)
class Outcome:
    """What an invocation ended with; ``error`` is "Handled", "Unhandled" or None."""

    payload: bytes
    error: str | None = None


@dataclass
class _Job:
    payload: bytes
    seconds: float
    request_id: str
    done: threading.Event
    outcome: Outcome | None = None


def failure(kind: str, message: str) -> Outcome:
    """Return the outcome of an invocation that the runtime could not answer itself."""
    return Outcome(json.dumps({"errorType": kind, "errorMessage": message}).encode(), "Unhandled")


class Environment:
    """Runs one handler, one event at a time; a dead process answers its event with ``Runtime.ExitError``."""

    def __init__(self, arn: str, handler: str, folder: Path, variables: Mapping[str, str], log: Path) -> None:
        self.arn = arn
        self.log = log
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._job: _Job | None = None
        self._init_error: Outcome | None = None
        self._ready = threading.Event()
        self._api = _RuntimeApi(("127.0.0.1", 0), _RuntimeCall)
        self._api.environment = self
        threading.Thread(target=self._api.serve_forever, args=(0.2,), daemon=True).start()
        address = f"127.0.0.1:{self._api.server_address[1]}"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", handler],
                cwd=folder,
                env={**variables, "AWS_LAMBDA_RUNTIME_API": address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        threading.Thread(target=self._await_exit, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether the process can take another event."""
        return self.process.poll() is None

    def invoke(self, payload: bytes, seconds: float, request_id: str | None = None) -> Outcome:
        """Hand one event to the handler and return what came of it."""
        job = _Job(payload, seconds, request_id or str(uuid.uuid4()), threading.Event())
        self._job = job
        self._jobs.put(job)
        if not self.is_alive:
            self._await_exit()
        self._ready.wait(INIT_SECONDS)
        if not job.done.wait(seconds):
            self._job = None
            self.kill()
            return failure("Sandbox.Timedout", f"RequestId: {job.request_id} Error: Task timed out after {seconds:.2f} seconds")
        self._job = None
        assert job.outcome is not None
        return job.outcome

    def kill(self) -> None:
        """End the process at once; an event in work fails."""
        self.process.kill()
        self.process.wait(KILL_SECONDS)

    def close(self) -> None:
        """End the process and its runtime API."""
        self.kill()
        self._jobs.put(None)
        threading.Thread(target=self._end_api, daemon=True).start()

    def _end_api(self) -> None:
        self._api.shutdown()
        self._api.server_close()

    def next_job(self) -> _Job | None:
        """Wait for the next event (called by the runtime)."""
        self._ready.set()
        return self._jobs.get()  # waits as long as nobody calls, or until the environment is closed

    def answer(self, request_id: str, outcome: Outcome) -> None:
        """Take the handler's answer (called by the runtime)."""
        job = self._job
        if job and job.request_id == request_id and not job.done.is_set():
            job.outcome = outcome
            job.done.set()

    def refuse(self, outcome: Outcome) -> None:
        """Take the error of a handler that could not be loaded (called by the runtime)."""
        self._init_error = outcome

    def _await_exit(self) -> None:
        code = self.process.wait()  # waits as long as the environment lives
        self._ready.set()
        job = self._job
        if job and not job.done.is_set():
            message = f"RequestId: {job.request_id} Error: Runtime exited with {'signal ' if code < 0 else 'status '}{abs(code)}"
            job.outcome = self._init_error or failure("Runtime.ExitError", message)
            job.done.set()


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True
    environment: Environment


class _RuntimeCall(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _RuntimeApi

    def do_GET(self) -> None:
        """Answer ``/runtime/invocation/next``."""
        job = self.server.environment.next_job()
        if job is None:
            self.close_connection = True
            return
        self._send(
            200,
            job.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": job.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + job.seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self.server.environment.arn,
                "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        """Take ``/response``, ``/error`` and ``/init/error``."""
        body = self._body()
        parts = self.path.split("/")
        if parts[-1] == "response":
            self.server.environment.answer(parts[-2], Outcome(body))
        elif parts[-2] == "init":
            self.server.environment.refuse(Outcome(body, "Unhandled"))
        else:
            self.server.environment.answer(parts[-2], Outcome(body, "Unhandled"))
        self._send(202, b"", {})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the handler's own log is enough."""
