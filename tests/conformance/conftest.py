"""The service in the local AWS, and an unmodified boto3 1.40.60 to call it with."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from localaws import LocalAws

ROOT = Path(__file__).resolve().parents[2]
OLD_PYTHON = ROOT / ".venv-conformance" / "bin" / "python"


class OldClient:
    """Makes calls through the old client's process; what it answers comes back as result, error or refusal."""

    def __init__(self, environment: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | environment
        kept.pop("AWS_DATA_PATH", None)  # its own model, not ours
        command = [str(OLD_PYTHON), str(Path(__file__).with_name("old_client.py"))]
        self._process = subprocess.Popen(command, env=kept, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, operation: str, arguments: dict[str, Any], lax: bool = False) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"operation": operation, "arguments": arguments, "lax": lax}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the old client died"
        return json.loads(line)

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if operation.startswith("_"):
            raise AttributeError(operation)

        def call(**arguments: Any) -> dict[str, Any]:
            answer = self.ask(operation, arguments)
            assert "result" in answer, (operation, answer)
            return answer["result"]

        return call

    def error(self, operation: str, **arguments: Any) -> tuple[str, int]:
        """Class and HTTP status of the error that a call must bring; the client's own checks are off."""
        answer = self.ask(operation, arguments, lax=True)
        assert "error" in answer, (operation, answer)
        return answer["class"], answer["error"]["ResponseMetadata"]["HTTPStatusCode"]

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="session")
def old_python() -> Path:
    """The interpreter of boto3 1.40.60."""
    assert OLD_PYTHON.exists(), "scripts/install conformance makes it"
    return OLD_PYTHON


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the service in it."""
    with LocalAws.start(tmp_path_factory.mktemp("local") / "home") as cloud:
        cloud.outputs = cloud.deploy(ROOT / "ai_ops" / "l4m-service.yaml", "service")
        yield cloud


@pytest.fixture(scope="session")
def old(aws: LocalAws, old_python: Path) -> Iterator[OldClient]:
    """The old client, pointed at the local endpoint."""
    client = OldClient(aws.environment())
    yield client
    client.close()
