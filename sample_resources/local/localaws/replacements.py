"""The places where moto's own behaviour is replaced; each has a test, and moto is pinned because they are private.

1. ``LambdaFunction.invoke``: runs the handler in the official runtime instead of Docker.
2. ``boto_client_for`` of Step Functions: a state machine acts under its own role.
3. ``ActionAuthenticatorMixin._authenticate_and_authorize_action``: IAM decides with the ARN that the call touches.
4. ``Rule.send_to_targets``: EventBridge rules reach Lambda, SNS and Step Functions too.
5. ``FakeBucket.get_permission``: a bucket policy is decided in 3., with its conditions, and not a second time without them.
6. ``Subscription.publish``: a function receives SNS's event with the topic's ARN, which its permission names; a queue's policy is asked.
7. ``method_names_from_class``: is remembered, for moto looks through a class at every request.
8. ``RedshiftResponse.modify_cluster_iam_roles``: which moto does not have (`warehouse/roles.py`).
9. ``DistributedIterationComponent._map_run``: a Distributed Map needs a right, and fails with any of its executions (`maps.py`).
10. ``IamResponse.simulate_principal_policy``: which moto does not have (`simulation.py`).
11. ``Table.query`` of DynamoDB: looks at one partition; moto sorts the whole table for every query.
12. ``BaseJSONSerializer``: an item's values go out as they are; moto looks for ten types under every name they might have.
13. ``BaseResponse._enrich_response``: looks for XML only in what may be XML.
14. ``http.client.parse_headers`` of the standard library: reads headers as e-mails (`handler.py`).
"""

import http.client
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.awslambda.models import LambdaFunction
from moto.core import responses
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.table import Table
from moto.events.models import Rule
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import BucketAccessDeniedError, S3AccessDeniedError
from moto.s3.models import FakeBucket
from moto.sns.models import Subscription
from moto.stepfunctions.parser.asl.utils import boto_client

from localaws import maps, simulation
from localaws.gatekeeper import authorize
from localaws.handler import read_headers
from localaws.identity import NotAuthorizedError
from localaws.warehouse import roles

if TYPE_CHECKING:
    from localaws.cloud import Cloud

INDEX_NAME = 6  # its place among the arguments of ``Table.query`` after the key


def install(cloud: "Cloud") -> None:
    """Put all replacements in place for this process."""
    roles.install()
    simulation.install(cloud)
    maps.install(cloud)
    http.client.parse_headers = read_headers
    LambdaFunction.invoke = invoke_function(cloud)
    replace_client(client_of_machine(cloud))
    responses.method_names_from_class = cache(responses.method_names_from_class)
    ActionAuthenticatorMixin._authenticate_and_authorize_action = authorize_call(cloud)
    Rule.send_to_targets = send_to_targets(cloud)
    Subscription.publish = publish_to_subscriber(cloud, Subscription.publish)
    FakeBucket.get_permission = lambda self, action, resource: PermissionResult.NEUTRAL
    Table.query = query_partition(Table.query)
    responses.BaseResponse._enrich_response = staticmethod(enrich_response(responses.BaseResponse._enrich_response))
    BaseJSONSerializer._serialize_type_structure = write_structure(BaseJSONSerializer._serialize_type_structure)


def invoke_function(cloud: "Cloud") -> Callable[..., str | bytes]:
    """Return an ``invoke`` that knows callers (they send headers) from events that moto delivers (they send none)."""

    def invoke(self: LambdaFunction, body: str | bytes, request_headers: Any, response_headers: Any) -> str | bytes:
        payload = body.encode() if isinstance(body, str) else body
        settings = cloud.settings(self.function_arn)
        if not request_headers:
            cloud.delivery.to_function(settings, json.loads(payload))
            return ""
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return ""
        if kind == "Event":
            cloud.submit(settings, payload or b"{}")
            return ""
        outcome = cloud.functions.invoke(settings, payload or b"{}")
        if outcome.error:
            response_headers["x-amz-function-error"] = outcome.error
        return outcome.payload

    return invoke


def client_of_machine(cloud: "Cloud") -> Callable[..., Any]:
    """Return a ``boto_client_for`` that uses the role of the state machine (or of the state)."""

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        if state_credentials is None:
            raise PermissionError(f"a state machine calls {service} without a role")
        cloud.require_trust(state_credentials.role_arn, "states.amazonaws.com")
        return cloud.client(service, state_credentials.role_arn)

    return boto_client_for


def replace_client(replacement: Callable[..., Any]) -> None:
    """Replace ``boto_client_for`` in every module of moto's engine that imported it by name."""
    import moto.stepfunctions.parser.models  # noqa: F401, PLC0415 (loads all states, so that none is missed)

    boto_client.boto_client_for = replacement
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and hasattr(module, "boto_client_for"):
            module.boto_client_for = replacement


def authorize_call(cloud: "Cloud") -> Callable[..., None]:
    """Return the check that moto makes before every action."""

    def check(self: Any, iam_request_cls: type, resource: str = "*") -> None:
        try:
            authorize(cloud.guard, self, resource)
        except NotAuthorizedError as error:
            raise _refusal(self, str(error)) from error

    return check


def _refusal(call: Any, message: str) -> Exception:
    if call.service_name == "s3":
        bucket = call.data.get("BucketName")
        return BucketAccessDeniedError(bucket=bucket) if bucket else S3AccessDeniedError()
    if call.headers.get("X-Amz-Target") or call.service_name in ("lambda", "awslambda", "scheduler"):
        error = JsonRESTError("AccessDeniedException", message)
        error.code = 400 if call.headers.get("X-Amz-Target") else 403
        return error
    denied = AccessDeniedError("", "")
    denied.message = message
    denied.description = re.sub(r"User: .*?(?=<)", message.replace("\\", "\\\\"), str(denied.description))
    return denied


def send_to_targets(cloud: "Cloud") -> Callable[..., None]:
    """Return a ``send_to_targets`` that delivers what ``PutEvents`` received."""

    def send(self: Rule, original_event: dict[str, Any], transform_input: bool = True) -> None:
        event = {key: value for key, value in original_event.items() if key != "ingestion-time"}
        if isinstance(event.get("time"), int | float):
            event["time"] = datetime.fromtimestamp(event["time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        cloud.delivery.through_rule(self, event)

    return send


def publish_to_subscriber(cloud: "Cloud", original: Callable[..., None]) -> Callable[..., None]:
    """Return a ``publish`` that makes the event of a function itself and leaves all other protocols to moto."""

    def publish(
        self: Subscription, message: str, message_id: str, subject: str | None = None, message_attributes: Any = None, **more: Any
    ) -> None:
        if self.protocol == "sqs" and not cloud.guard.service_may("sns.amazonaws.com", "sqs:SendMessage", self.endpoint, self.topic.arn):
            cloud.delivery.refused.append(f"{self.topic.arn} -> {self.endpoint}: sns.amazonaws.com has no permission")
            return
        if self.protocol != "lambda":
            original(self, message, message_id, subject, message_attributes, **more)
            return
        if self._filter_policy_matcher and not self._filter_policy_matcher.matches(message_attributes, message):
            return
        event = cloud.delivery.sns_event(self, message, message_id, subject, message_attributes or {})
        cloud.delivery.to_function(cloud.settings(self.endpoint), event)

    return publish


def query_partition(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``query`` that shows moto only the items of the partition that is asked for, unless an index is."""

    def query(self: Table, hash_key: Any, *arguments: Any, **more: Any) -> Any:
        view = self
        if arguments[INDEX_NAME] is None:
            view = object.__new__(Table)  # moto keeps a list of all it makes itself
            view.__dict__ = {**self.__dict__, "items": {hash_key: self.items.get(hash_key, {})}}
        return original(view, hash_key, *arguments, **more)

    return query


def write_structure(original: Callable[..., None]) -> Callable[..., None]:
    """Return a serializer of structures that takes the values of DynamoDB's items as they are: they have their wire form."""

    def write(self: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and isinstance(value, dict) and "B" not in value:
            serialized[key] = value
        else:
            original(self, serialized, value, shape, key)

    return write


def enrich_response(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives a response its request id without searching JSON for a place in XML."""

    def enrich(headers: dict[str, str], body: Any) -> Any:
        if isinstance(body, str) and body.startswith("{"):
            return original(headers, "")[0], body
        return original(headers, body)

    return enrich
