"""A real client whose requests are answered in this process, over a table in memory; what else is called of AWS is moto's."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import get_session
from moto import mock_aws
from tests.unit.memory_table import MemoryTable

from l4m.api.app import Request, Response, handle
from l4m.api.service_model import MODELS
from l4m.service.context import Context, Limits
from l4m.store.table import Table

REGION, ACCOUNT = "us-east-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/LookoutForMetricsRole"
TABLE = "l4m-service"


@dataclass
class Invocations:
    """Stands where AWS Lambda is: keeps what it was asked to run."""

    payloads: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:
        assert InvocationType == "Event"
        if self.error:
            raise self.error
        self.payloads.append(json.loads(Payload))
        return {"StatusCode": 202}


@dataclass
class Service:
    """The API over one table: ``call`` for raw requests, ``client`` for boto3; the clock stands unless it is moved."""

    context: Context
    invocations: Invocations
    caller: str = f"arn:aws:iam::{ACCOUNT}:root"  # who may pass any role; tests/unit/service/test_passing.py has others

    def call(self, request: Request) -> Response:
        return handle(replace(request, caller=self.caller), self.context)

    def post(self, operation: str, members: Any) -> tuple[int, dict[str, Any]]:
        body = members if isinstance(members, bytes) else json.dumps(members).encode()
        response = self.call(Request("POST", f"/{operation}", body=body))
        return response.status, json.loads(response.body)

    def wait(self, seconds: int) -> None:
        self.context = replace(self.context, now=self.context.now + timedelta(seconds=seconds))

    def limit(self, **limits: int) -> None:
        self.context = replace(self.context, limits=Limits(**limits))

    def items(self) -> list[dict[str, Any]]:
        """Everything in the table but the secret of page tokens, which reading makes."""
        items = self.context.table.client.scan(TableName=TABLE)["Items"]
        return sorted((item for item in items if item["pk"]["S"] != "setting"), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def client(self) -> Any:
        """A boto3 client that tries once; there is one, and it calls the service that asked for it last."""
        events = _lookout().meta.events
        events.unregister("before-send.lookoutmetrics", unique_id="service")
        events.register_first("before-send.lookoutmetrics", self._send, "service")
        return _lookout()

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        headers = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        response = self.call(Request(request.method, url.path, parse_qs(url.query, keep_blank_values=True), headers, body))
        answer = AWSResponse(request.url, response.status, response.headers, None)
        answer._content = response.body
        return answer


@cache
def _session() -> boto3.Session:
    session = get_session()
    session.get_component("data_loader").search_paths.insert(0, str(MODELS))
    return boto3.Session(botocore_session=session)


@cache
def _client(service: str) -> Any:
    """One client for all tests: making one takes longer than most tests."""
    return _session().client(service, REGION)


@cache
def _lookout() -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
    once = Config(retries={"total_max_attempts": 1})
    return _session().client("lookoutmetrics", REGION, endpoint_url="http://l4m.test", config=once, **keys)


@dataclass
class Clients:
    """Clients by name; ``lambda`` is the recorder."""

    invocations: Invocations

    def client(self, service: str) -> Any:
        return self.invocations if service == "lambda" else _client(service)

    def assume(self, role_arn: str, service: str) -> Any:
        return self.client(service)


def serve(dynamodb: Any) -> Service:
    """The service over a client of DynamoDB."""
    invocations = Invocations()
    context = Context(
        clients=Clients(invocations),
        table=Table(dynamodb, TABLE),
        bucket="state",
        region=REGION,
        account=ACCOUNT,
        partition="aws",
        now=datetime(2026, 3, 1, 4, 25, 30, 123000, tzinfo=UTC),
        run_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:run",
    )
    return Service(context, invocations)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The service on an empty table, early on a Sunday."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield serve(MemoryTable())


@pytest.fixture
def metric_set_of() -> Callable[..., dict[str, Any]]:
    """Arguments of a good CreateMetricSet, changed as a test wants."""

    def build(detector_arn: str, **changes: Any) -> dict[str, Any]:
        return {
            "AnomalyDetectorArn": detector_arn,
            "MetricSetName": "orders",
            "MetricList": [{"MetricName": "views", "AggregationFunction": "SUM"}, {"MetricName": "price", "AggregationFunction": "AVG"}],
            "DimensionList": ["platform", "marketplace"],
            "TimestampColumn": {"ColumnName": "timestamp", "ColumnFormat": "yyyy-MM-dd HH:mm:ss"},
            "MetricSetFrequency": "PT1H",
            "Offset": 300,
            "Timezone": "Europe/Berlin",
            "MetricSource": {
                "S3SourceConfig": {
                    "RoleArn": ROLE,
                    "TemplatedPathList": ["s3://shop/live/{{yyyyMMdd}}/{{HHmm}}"],
                    "HistoricalDataPathList": ["s3://shop/backtest/"],
                    "FileFormatDescriptor": {
                        "CsvFormatDescriptor": {
                            "FileCompression": "NONE",
                            "Charset": "UTF-8",
                            "ContainsHeader": True,
                            "Delimiter": ",",
                            "QuoteSymbol": '"',
                        }
                    },
                }
            },
        } | changes

    return build
