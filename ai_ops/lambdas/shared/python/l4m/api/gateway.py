"""API Gateway's HTTP API, payload 2.0: its event as a request, a response as its answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from l4m.api.message import Request, Response


def request_from_event(event: Mapping[str, Any]) -> Request:
    """The request in an event."""
    body = event.get("body") or ""
    return Request(
        method=event["requestContext"]["http"]["method"],
        path=event["rawPath"],
        query=parse_qs(event.get("rawQueryString") or "", keep_blank_values=True),
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        caller=event["requestContext"].get("authorizer", {}).get("iam", {}).get("userArn") or "",
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
    )


def response_to_event(response: Response) -> dict[str, Any]:
    """The answer to an event."""
    return {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body.decode(),
        "isBase64Encoded": False,
    }
