"""``python -m localaws up|deploy|down|status``: one local cloud per home folder."""

import argparse
import signal
import sys
import time
from pathlib import Path

from localaws.client import LocalAws, LocalAwsError, is_running

HOME = Path(__file__).resolve().parents[3] / ".local" / "aws"


def main() -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/local", description="A laptop's worth of AWS.")
    parser.add_argument("command", choices=("up", "deploy", "down", "status"))
    parser.add_argument("template", nargs="?", type=Path, help="with deploy: the template of a stack, which gets the name of the file")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="with deploy: parameters of the template")
    parser.add_argument("--home", type=Path, default=HOME, help="where its state lives while it runs (default: .local/aws)")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--region", default="us-east-1")
    arguments = parser.parse_args()
    if (arguments.command == "deploy") != (arguments.template is not None):
        parser.error("deploy takes a template, such as ai_ops/l4m-service.yaml; no other command does")
    if wrong := [one for one in arguments.parameters if "=" not in one]:
        parser.error(f"{wrong[0]!r} is not NAME=VALUE")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that an ended start tidies up
    try:
        return {"up": up, "deploy": deploy, "down": down, "status": status}[arguments.command](arguments)
    except LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1


def up(arguments: argparse.Namespace) -> int:
    """Start it, or say that it runs."""
    if is_running(arguments.home):
        print("# already running")
        return status(arguments)
    started = time.monotonic()
    LocalAws.start(arguments.home, arguments.region, arguments.port, attached=False)
    print(f"# ready after {time.monotonic() - started:.1f} s")
    return status(arguments)


def deploy(arguments: argparse.Namespace) -> int:
    """Create or update a stack, and print its outputs."""
    given = dict(one.split("=", 1) for one in arguments.parameters)
    for name, value in LocalAws.attach(arguments.home).deploy(arguments.template, arguments.template.stem, given).items():
        print(f"{name} {value}")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """End it; nothing stays behind."""
    if not is_running(arguments.home):
        print("not running")
        return 0
    LocalAws.attach(arguments.home).stop()
    print("stopped")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Print the endpoint and the environment to export; status 3 when nothing runs."""
    if not is_running(arguments.home):
        print("not running")
        return 3
    cloud = LocalAws.attach(arguments.home)
    home = "" if arguments.home == HOME else f" --home {arguments.home}"
    print(f"# pid {cloud.pid}, {cloud.endpoint}; stop it with: scripts/local down{home}")
    for name, value in cloud.environment().items():
        print(f"export {name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
