"""API Gateway's HTTP API: an IAM-authorised request becomes an event of payload version 2.0 for a function."""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from moto.iam.access_control import IAMRequest
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from localaws.gatekeeper import scope
from localaws.identity import Caller, NotAuthorizedError

if TYPE_CHECKING:
    from localaws.cloud import Cloud

METHODS = "x-amazon-apigateway-any-method"


class Gateway:
    """The deployed HTTP APIs; calls to the one endpoint go to the API deployed last."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self.apis: dict[str, dict[str, Any]] = {}

    def handle(self, request: Request) -> Response:
        """Answer one signed request."""
        api_id = next(reversed(self.apis), None)
        if api_id is None:
            return _message(404, "no stack with an API is deployed; scripts/local deploy ai_ops/l4m-service.yaml makes one")
        path = request.environ.get("RAW_URI", request.path).split("?")[0]
        route = find_route(self.apis[api_id], request.method, path)
        if route is None:
            return _message(404, "Not Found")
        try:
            caller = self._authorise(request, api_id, path)
        except NotAuthorizedError:
            return _message(403, "Forbidden")
        key, function, parameters = route
        arn = f"{self._arn(api_id)}/$default/{request.method}{path}"
        if not self._cloud.guard.service_may("apigateway.amazonaws.com", "lambda:InvokeFunction", function, arn):
            return _message(500, "Internal Server Error")
        event = self._event(request, api_id, path, caller, key=key, parameters=parameters)
        outcome = self._cloud.functions.invoke(self._cloud.settings(function), json.dumps(event).encode())
        return _message(500, "Internal Server Error") if outcome.error else _answer(outcome.payload)

    def _arn(self, api_id: str) -> str:
        return self._cloud.place.arn("execute-api", api_id)

    def _authorise(self, request: Request, api_id: str, path: str) -> Caller:
        key, _ = scope(request.headers.get("Authorization", ""))
        caller = self._cloud.guard.caller(key, request.headers.get("X-Amz-Security-Token"))
        self._verify(request)
        self._cloud.guard.check(caller, "execute-api:Invoke", [f"{self._arn(api_id)}/$default/{request.method}{unquote(path)}"])
        return caller

    def _verify(self, request: Request) -> None:
        """Raise unless the signature is the one that the owner of the key would have made."""
        address = request.environ.get("RAW_URI") or request.full_path
        signed = IAMRequest(self._cloud.place.account, request.method, address, {}, request.get_data(), request.headers, "Invoke")
        try:
            signed.check_signature()
        except HTTPException as error:
            raise NotAuthorizedError("The request signature we calculated does not match the signature you provided.") from error

    def _event(
        self, request: Request, api_id: str, path: str, caller: Caller, *, key: str, parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        body = request.get_data()
        raw_query = request.query_string.decode()
        query: dict[str, str] = {}
        for name, value in parse_qsl(raw_query, keep_blank_values=True):
            query[name] = f"{query[name]},{value}" if name in query else value
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": key,
            "rawPath": unquote(path),
            "rawQueryString": raw_query,
            "headers": {name.lower(): value for name, value in request.headers.items() if name.lower() != "authorization"},
            "requestContext": self._context(request, api_id, path, caller, key=key),
            "isBase64Encoded": False,
        }
        event |= {"queryStringParameters": query} if query else {}
        event |= {"pathParameters": dict(parameters)} if parameters else {}
        return event | ({"body": body.decode()} if body else {})

    def _context(self, request: Request, api_id: str, path: str, caller: Caller, *, key: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        http = {"method": request.method, "path": unquote(path), "protocol": "HTTP/1.1", "sourceIp": request.remote_addr}
        return {
            "accountId": self._cloud.place.account,
            "apiId": api_id,
            "authorizer": {"iam": _identity(caller, self._cloud.place.account)},
            "domainName": request.host,
            "domainPrefix": api_id,
            "http": {**http, "userAgent": request.headers.get("User-Agent", "")},
            "requestId": self._cloud.new_id(),
            "routeKey": key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        }


def find_route(body: Mapping[str, Any], method: str, path: str) -> tuple[str, str, dict[str, str]] | None:
    """Return route key, function ARN and path parameters of the most specific route of an OpenAPI body."""
    for template in sorted(body.get("paths", {}), key=lambda item: ("{" in item, item.endswith("+}"), -len(item))):
        found = template == "$default" or re.fullmatch(_as_pattern(template), path)
        operation = body["paths"][template].get(method.lower()) or body["paths"][template].get(METHODS)
        if found and operation:
            uri = operation["x-amazon-apigateway-integration"]["uri"]
            function = re.search(r"functions/(.+?)/invocations", uri)
            verb = method if method.lower() in body["paths"][template] else "ANY"
            parameters = {} if found is True else {name: unquote(value) for name, value in found.groupdict().items()}
            return (template if template == "$default" else f"{verb} {template}"), function[1] if function else uri, parameters
    return None


def _as_pattern(template: str) -> str:
    parts = re.split(r"(\{[^}]+\})", template)
    return "".join(
        re.escape(part) if not part.startswith("{") else f"(?P<{part.strip('{}+')}>{'.+' if part.endswith('+}') else '[^/]+'})"
        for part in parts
    )


def _identity(caller: Caller, account: str) -> dict[str, Any]:
    return {
        "accessKey": "", "accountId": account, "callerId": caller.user_id, "cognitoIdentity": None,
        "principalOrgId": None, "userArn": caller.arn, "userId": caller.user_id,
    }  # fmt: skip


def _message(status: int, text: str) -> Response:
    return Response(json.dumps({"message": text}), status, content_type="application/json")


def _answer(payload: bytes) -> Response:
    result = json.loads(payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        return Response(payload, 200, content_type="application/json")
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else str(body).encode()
    return Response(content, int(result["statusCode"]), headers={**(result.get("headers") or {})}, content_type=_content_type(result))


def _content_type(result: Mapping[str, Any]) -> str:
    headers = {name.lower(): value for name, value in (result.get("headers") or {}).items()}
    return str(headers.get("content-type", "application/json"))
