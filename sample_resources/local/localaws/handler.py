"""HTTP for the server: kept alive, without Nagle, one write per response."""

from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler


class QuickHandler(MotoRequestHandler):
    """moto's request handler, made quick and quiet."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing about requests."""
