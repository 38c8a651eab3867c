"""The pieces of the local cloud, put together once per process."""

import itertools
import logging
import os
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.awslambda.utils import get_backend as lambda_backend
from moto.iam.models import iam_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.sts.models import sts_backends

from localaws.activity import Activity
from localaws.clock import Clock
from localaws.delivery import Delivery
from localaws.environment import Environment
from localaws.functions import Functions, Settings
from localaws.gateway import Gateway
from localaws.identity import Guard
from localaws.policy import Access, decide
from localaws.resources import Place
from localaws.warehouse.data_api import DataApi

log = logging.getLogger(__name__)
MODELS = "l4m/api/models"
SESSION_SECONDS = 43_200

RUNTIME = {
    "LANG": "C.UTF-8",
    "TZ": ":UTC",
    "PYTHONUNBUFFERED": "1",
    "MALLOC_ARENA_MAX": "2",  # these three keep a function small
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class Cloud:
    """Everything that runs in the server's process."""

    def __init__(self, home: Path, endpoint: str, place: Place) -> None:
        self.home = home
        self.endpoint = endpoint
        self.place = place
        self.activity = Activity()
        self.guard = Guard(place)
        self.delivery = Delivery(self)
        self.functions = Functions(self.activity, self._start, self.delivery.failed)
        self.clock = Clock(self)
        self.gateway = Gateway(self)
        self.data_api = DataApi(self)
        self.sources: dict[str, Path] = {}
        self.templates: dict[str, str] = {}
        self.dead_letters: dict[str, str] = {}
        self.log_groups: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self.activity.watch(self._executions)
        self.admin = self._make_admin()

    def new_id(self) -> str:
        """Return a new random id."""
        return str(uuid.uuid4())

    def next_number(self) -> int:
        """Return a number greater than all before."""
        return next(self._numbers)

    def client(self, service: str, role_arn: str | None = None) -> Any:
        """Return a boto3 client of the administrator, or of a role."""
        with self._lock:
            if (service, role_arn or "") not in self._clients:
                keys = self.credentials(role_arn, "local") if role_arn else self.admin
                self._clients[service, role_arn or ""] = boto3.client(
                    service,
                    region_name=self.place.region,
                    endpoint_url=self.endpoint,
                    config=Config(retries={"max_attempts": 0}, read_timeout=920, max_pool_connections=20, s3={"addressing_style": "path"}),
                    **keys,
                )
            return self._clients[service, role_arn or ""]

    def credentials(self, role_arn: str, session: str) -> dict[str, str]:
        """Return temporary credentials of a role, as boto3's keyword arguments."""
        backend = sts_backends[self.place.account][self.place.partition]
        role = backend.assume_role(self.place.region, session[:64], role_arn, "", SESSION_SECONDS, "")
        return {
            "aws_access_key_id": role.access_key_id,
            "aws_secret_access_key": role.secret_access_key,
            "aws_session_token": role.session_token,
        }

    def require_trust(self, role_arn: str, service: str, external_id: str = "") -> None:
        """Raise ``PermissionError`` unless the role trusts an AWS service, which says for whom it asks: its account, or an external id."""
        role = iam_backends[self.place.account][self.place.partition].get_role_by_arn(role_arn)
        stated = {"sts:externalid": external_id} if external_id else {"aws:sourceaccount": self.place.account}
        access = Access("sts:AssumeRole", role_arn, service, self.guard.surroundings() | stated)
        if self.guard.is_enforcing and decide([role.assume_role_policy_document], access) is not True:
            raise PermissionError(f"{role_arn} does not trust {service}")

    def settings(self, name: str) -> Settings:
        """Return what a deployed function (name or ARN) runs with."""
        function = lambda_backend(self.place.account, self.place.region).get_function(name)
        folder = self.sources.get(function.code.get("S3Key", ""))
        if folder is None:
            raise ValueError(f"{function.function_name}: its code was not deployed from a folder")
        stamp = tuple(sorted((file.name, file.stat().st_mtime_ns) for file in folder.iterdir() if file.is_file()))
        return Settings(
            arn=f"arn:{self.place.partition}:lambda:{self.place.region}:{self.place.account}:function:{function.function_name}",
            name=function.function_name,
            handler=function.handler,
            folder=folder,
            role_arn=function.role,
            timeout=float(function.timeout),
            variables=(
                *sorted((key, str(value)) for key, value in function.environment_vars.items()),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str(function.memory_size)),
            ),
            stamp=stamp,
        )

    def submit(self, settings: Settings, payload: bytes) -> None:
        """Invoke a function asynchronously with its own retries, destination and dead-letter queue."""
        function = lambda_backend(self.place.account, self.place.region).get_function(settings.name)
        config = function.event_invoke_config[-1].config if function.event_invoke_config else {}
        on_failure = {}
        if destination := ((config.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination"):
            on_failure["destination"] = destination
        if settings.name in self.dead_letters:
            on_failure["dead-letter"] = self.dead_letters[settings.name]
        self.functions.submit(settings, payload, int(config.get("MaximumRetryAttempts", 2)), on_failure)

    def enqueue(self, queue_arn: str, body: str, attributes: dict[str, str]) -> None:
        """Put a message into a queue, as an AWS service does."""
        found = {key: {"DataType": "String", "StringValue": value} for key, value in attributes.items()}
        self.client("sqs").send_message(QueueUrl=self.queue_url(queue_arn), MessageBody=body, MessageAttributes=found)

    def queue_url(self, queue_arn: str) -> str:
        """Return the URL of a queue."""
        return f"{self.endpoint}/{self.place.account}/{queue_arn.rsplit(':', maxsplit=1)[-1]}"

    def close(self) -> None:
        """End every process and thread that was started."""
        self.functions.close()
        self.data_api.close()

    def _start(self, settings: Settings) -> Environment:
        self.require_trust(settings.role_arn, "lambda.amazonaws.com")
        return Environment(settings.arn, settings.handler, settings.folder, self._variables(settings), self._log_of(settings))

    def _log_of(self, settings: Settings) -> Path:
        """Return where a function's output goes: nowhere when its role may not write to its log group."""
        group = self.log_groups.get(settings.name, f"/aws/lambda/{settings.name}")
        stream = self.place.arn("logs", f"log-group:{group}:log-stream:local")
        role = self.guard.role(settings.role_arn, settings.name)
        if not all(self.guard.allows(role, action, stream, {}) for action in ("logs:CreateLogStream", "logs:PutLogEvents")):
            return Path(os.devnull)
        logs = self.home / "logs"
        logs.mkdir(exist_ok=True)
        return logs / f"{settings.name}.log"

    def _variables(self, settings: Settings) -> dict[str, str]:
        keys = self.credentials(settings.role_arn, settings.name)
        sources = _layer_folder()
        own = {name: value.replace("/opt/python", str(sources)) for name, value in settings.variables}
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "PYTHONPATH": str(sources),
            **RUNTIME,
            **own,
            "_HANDLER": settings.handler,
            "LAMBDA_TASK_ROOT": str(settings.folder),
            "AWS_LAMBDA_FUNCTION_NAME": settings.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{settings.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_REGION": self.place.region,
            "AWS_DEFAULT_REGION": self.place.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_LOOKOUTMETRICS": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **{name.upper(): value for name, value in keys.items()},
        }

    def environment(self) -> dict[str, str]:
        """Return the variables that make any AWS client talk to this cloud as its administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_LOOKOUTMETRICS": self.endpoint,
            **{name.upper(): value for name, value in self.admin.items()},
            "AWS_REGION": self.place.region,
            "AWS_DEFAULT_REGION": self.place.region,
            "AWS_DATA_PATH": str(_layer_folder() / MODELS),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _make_admin(self) -> dict[str, str]:
        backend = iam_backends[self.place.account][self.place.partition]
        backend.create_user(self.place.region, "admin")
        document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
        backend.put_user_policy("admin", "everything", document)
        key = backend.create_access_key("admin")
        return {"aws_access_key_id": key.access_key_id, "aws_secret_access_key": key.secret_access_key}

    def _executions(self) -> list[str]:
        backend = stepfunctions_parser_backends[self.place.account][self.place.region]
        return [f"execution {run.name}" for machine in backend.state_machines for run in machine.executions if run.status == "RUNNING"]


def _layer_folder() -> Path:
    """Return what stands for ``/opt/python``: the folder of the installed (editable) package."""
    import l4m  # noqa: PLC0415 (only its place is wanted)

    return Path(l4m.__path__[0]).parent
