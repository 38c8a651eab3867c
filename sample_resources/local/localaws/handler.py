"""HTTP for the server: connections kept alive, no Nagle, headers read without the parser of e-mails, one write per response."""

import http.client
import io
import logging
from typing import IO, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler

log = logging.getLogger(__name__)
BODILESS = {204, 304}


def read_headers(stream: IO[bytes], _class: type[http.client.HTTPMessage] = http.client.HTTPMessage) -> http.client.HTTPMessage:
    """Read the headers of a request or a response, as ``http.client.parse_headers`` does in ten times the time."""
    message = _class()
    for line in http.client._read_headers(stream):  # type: ignore[attr-defined]
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            message[name] = value.strip()
    return message


class QuickHandler(MotoRequestHandler):
    """moto's request handler, made quick: werkzeug's own closes the connection after each response."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def run_wsgi(self) -> None:
        """Read the whole request, call the application, write the whole response."""
        body = self._body()
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = [status, headers]
            return lambda data: None

        try:
            answer = self.server.app(environ, start_response)
            content = b"".join(answer)
            if hasattr(answer, "close"):
                answer.close()
        except Exception:
            log.exception("%s %s", self.command, self.path)
            head = ["500 Internal Server Error", []]
            content = b"Internal Server Error"
        self._write(head[0], head[1], content)

    def _write(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code = int(status.split(" ", 1)[0])
        lines = [f"{self.protocol_version} {status}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() not in ("content-length", "connection")]
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        if code not in BODILESS:
            lines.append(f"Content-Length: {length if self.command == 'HEAD' and length else len(content)}")
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if self.command != "HEAD" and code not in BODILESS:
            self.wfile.write(content)
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers are not needed
        return b"".join(chunks)

    def handle_expect_100(self) -> bool:
        """Tell the client at once to go on; it waits for that."""
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.wfile.flush()
        return True

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Say nothing about requests."""
