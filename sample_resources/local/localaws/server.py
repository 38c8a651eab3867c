"""The server process: ``python -m localaws.server --home DIR``; ready when ``DIR/server.json`` exists."""

import argparse
import contextlib
import faulthandler
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType

ACCOUNT = "123456789012"


def main() -> None:
    """Serve until SIGTERM, SIGINT or, with ``--attached``, the end of standard input; then leave nothing behind."""
    arguments = _arguments()
    home: Path = arguments.home
    home.mkdir(parents=True, exist_ok=True)
    (home / "tmp").mkdir(exist_ok=True)
    logging.basicConfig(filename=home / "server.log", level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    faulthandler.register(signal.SIGUSR1, file=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _exit)
    if arguments.attached:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=128)
    endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    _prepare(endpoint, arguments.region, home)
    try:
        _serve(listener, endpoint, arguments.region, home)
    except Exception:  # noqa: BLE001 (told to whoever started it)
        traceback.print_exc()
    finally:
        _tidy(home)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--attached", action="store_true")
    return parser.parse_args()


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _prepare(endpoint: str, region: str, home: Path) -> None:
    """Set what moto and boto3 read from the environment while they are imported, and keep moto from what nobody needs."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ.update(
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        MOTO_ACCOUNT_ID=ACCOUNT,
        MOTO_PORT=endpoint.rsplit(":", 1)[1],
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_EC2_LOAD_DEFAULT_AMIS="false",
        MOTO_DISABLE_GLOBAL_CORS="true",
        VALIDATE_LAMBDA_S3="false",
        TMPDIR=str(home / "tmp"),
    )
    from localaws import shortcuts  # noqa: PLC0415 (after the environment is set)

    shortcuts.leave_machines_out()


def _serve(listener: socket.socket, endpoint: str, region: str, home: Path) -> None:
    from moto.core.config import default_user_config  # noqa: PLC0415 (after the environment is set)
    from werkzeug.serving import make_server  # noqa: PLC0415

    from localaws import replacements, shortcuts  # noqa: PLC0415
    from localaws.cloud import Cloud  # noqa: PLC0415
    from localaws.front import Front  # noqa: PLC0415
    from localaws.handler import QuickHandler  # noqa: PLC0415
    from localaws.resources import Place  # noqa: PLC0415

    default_user_config["stepfunctions"]["execute_state_machine"] = True
    cloud = Cloud(home, endpoint, Place(ACCOUNT, region))
    replacements.install(cloud)
    shortcuts.install()
    host, port = listener.getsockname()[:2]
    server = make_server(host, port, Front(cloud), threaded=True, request_handler=QuickHandler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    state = {"pid": os.getpid(), "endpoint": endpoint, "environment": cloud.environment()}
    partial = home / "server.json.partial"
    partial.write_text(json.dumps(state), encoding="utf-8")
    partial.rename(home / "server.json")
    try:
        threading.Event().wait()  # waits as long as it is to serve: a signal ends it
    finally:
        cloud.close()


def _tidy(home: Path) -> None:
    """Remove the home folder, and ``.local`` around it when that is empty: nothing outlives the server."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    shutil.rmtree(home, ignore_errors=True)
    if home.parent.name == ".local":
        with contextlib.suppress(OSError):
            home.parent.rmdir()
    os._exit(0)


if __name__ == "__main__":
    main()
