"""The one WSGI application: control routes, the Redshift Data API, API Gateway, and moto for all the rest."""

import io
import json
import logging
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from localaws.control import Control
from localaws.gatekeeper import scope
from localaws.identity import NotAuthorizedError

if TYPE_CHECKING:
    from localaws.cloud import Cloud

log = logging.getLogger(__name__)
GATEWAY_SCOPE = "execute-api"
REFUSED_SCOPE = "lookoutmetrics"  # of clients that sign as they did for the old service; API Gateway knows no such service


class _Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which otherwise looks through its folders at every request."""

    @cache  # noqa: B019 (there is one dispatcher, as long as the process)
    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service behind a host name."""
        return super().get_backend_for_host(host)


class Front:
    """Routes each request by its path or by the service it is signed for."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._control = Control(cloud)
        self._moto = _Dispatcher(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        return self._moto(environ, start_response) if answer is None else answer(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Response | None:
        if environ.get("PATH_INFO", "").startswith("/_local/"):
            return self._control.handle(Request(environ))
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith("RedshiftData."):
            return self._redshift(Request(environ))
        if target == "AWSStepFunctions.StartExecution":
            self._name_execution(environ)
        try:
            _, service = scope(environ.get("HTTP_AUTHORIZATION", ""))
        except NotAuthorizedError:
            return None
        if service == REFUSED_SCOPE:
            Request(environ).get_data()  # what is left unread stands in the way of the connection's next request
            told = f"Credential should be scoped to correct service: '{GATEWAY_SCOPE}'."
            return Response(json.dumps({"message": told}), 403, content_type="application/json")
        return self._gateway(Request(environ)) if service == GATEWAY_SCOPE else None

    def _name_execution(self, environ: dict[str, Any]) -> None:
        """Give an execution a name when the caller gives none, as AWS does and moto does not."""
        body = json.loads(environ["wsgi.input"].read())
        body.setdefault("name", self._cloud.new_id())
        text = json.dumps(body).encode()
        environ.update({"wsgi.input": io.BytesIO(text), "CONTENT_LENGTH": str(len(text))})

    def _gateway(self, request: Request) -> Response:
        try:
            return self._cloud.gateway.handle(request)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            return Response(json.dumps({"message": "Internal Server Error"}), 500, content_type="application/json")

    def _redshift(self, request: Request) -> Response:
        try:
            key, _ = scope(request.headers.get("Authorization", ""))
            caller = self._cloud.guard.caller(key, request.headers.get("X-Amz-Security-Token"))
            status, body = self._cloud.data_api.handle(
                request.headers["X-Amz-Target"].split(".")[-1], json.loads(request.get_data() or b"{}"), caller
            )
        except NotAuthorizedError as error:
            status = 400
            body = {"__type": "AccessDeniedException", "message": str(error)}
        except Exception as error:
            log.exception("Redshift Data API")
            status = 500
            body = {"__type": "InternalServerException", "Message": str(error)}
        return Response(json.dumps(body), status, content_type="application/x-amz-json-1.1")
