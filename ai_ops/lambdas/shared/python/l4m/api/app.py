"""The service's API as one function: a request in, a response out, and never an unknown error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from l4m.api.faults import WireFault, cannot_parse, fault_of, fault_of_call, internal, unknown_operation
from l4m.api.message import Request, Response
from l4m.api.operations import find_operation
from l4m.api.service_model import Operation, Route, ServiceModel, load_model
from l4m.api.validation import validate
from l4m.arns import ALERT, DETECTOR, METRIC_SET, kind_of
from l4m.errors import Fault, InvalidInput, L4mError
from l4m.service.context import Context

__all__ = ["Context", "Request", "Response", "handle"]

JSON = "application/json"
AMZ_JSON = "application/x-amz-json-1.1"
_log = logging.getLogger(__name__)
_ARN_KINDS = {
    "AnomalyDetectorArn": (DETECTOR,),
    "MetricSetArn": (METRIC_SET,),
    "AlertArn": (ALERT,),
    "ResourceArn": (DETECTOR, METRIC_SET, ALERT),
}

Members = dict[str, Any]


def handle(request: Request, context: Context) -> Response:
    """Answer a request; errors are answers too."""
    context = replace(context, caller=request.caller)
    model = load_model()
    content_type = AMZ_JSON if request.headers.get("content-type", "").startswith(AMZ_JSON) else JSON
    route = model.route(request.method, request.path)
    outcome = _answer(model, route, request, context) if route else unknown_operation(request.method, request.path)
    if isinstance(outcome, WireFault):
        headers = {"content-type": content_type, "x-amzn-ErrorType": outcome.shape}
        return Response(model.status_of(outcome.shape), headers, _encode(outcome.members))
    status = route.operation.status if route else 200
    return Response(status, {"content-type": content_type}, b"" if status == 204 else _encode(outcome))


def _answer(model: ServiceModel, route: Route, request: Request, context: Context) -> Members | WireFault:
    operation = route.operation
    try:
        body = _parse(request.body)
    except (ValueError, RecursionError) as error:
        return cannot_parse(str(error)[:200])
    try:
        members = _check(model, operation, _members(model, route, request, body))
        return find_operation(operation.name)(context, members)
    except L4mError as error:
        return fault_of(error, operation.errors)
    except Exception as error:  # noqa: BLE001 - the last line of defence: the caller gets a modelled error, the log the rest
        return _unexpected(operation, error)


def _unexpected(operation: Operation, error: Exception) -> WireFault:
    fault = fault_of_call(error, operation.errors)
    if fault == internal():
        _log.exception("operation failed", extra={"operation": operation.name})
    return fault


def _parse(body: bytes) -> Members:
    parsed = json.loads(body) if body.strip() else {}
    if not isinstance(parsed, dict):
        raise ValueError("it has to be an object")
    return parsed


def _members(model: ServiceModel, route: Route, request: Request, body: Members) -> Members:
    """The input's members by their own names, wherever the request carries them."""
    members: Members = {}
    for name, reference in model.shapes[route.operation.input]["members"].items():
        wire_name = reference.get("locationName", name)
        location = reference.get("location")
        if location == "uri":
            members[name] = route.path_members[wire_name]
        elif location == "querystring":
            members[name] = list(request.query[wire_name]) if wire_name in request.query else None
        else:
            members[name] = body.get(wire_name)
    return members


def _check(model: ServiceModel, operation: Operation, given: Members) -> Members:
    """The members that the model knows, if they have its shapes and the ARNs among them are of the right kinds."""
    checked = Members()
    faults = list[Fault]()
    try:
        checked = validate(model.shapes, operation.input, given)
    except InvalidInput as error:
        faults += error.faults
    told = {fault.field for fault in faults}
    faults += [fault for fault in _arn_faults(given) if fault.field not in told]
    if faults:
        raise InvalidInput(*faults)
    return checked


def _arn_faults(given: Members) -> Iterator[Fault]:
    for name, kinds in _ARN_KINDS.items():
        if isinstance(given.get(name), str) and kind_of(given[name]) not in kinds:
            yield Fault(name, f"{given[name]!r} is not the ARN of this service's {' or '.join(kinds)}")


def _encode(members: Members) -> bytes:
    return json.dumps(members, separators=(",", ":"), allow_nan=False).encode()
