"""Give boto3 and the AWS CLI back their ``lookoutmetrics`` client, by putting the service model where they look for it."""

from __future__ import annotations

import filecmp
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from l4m.api.service_model import FILE, MODELS

HOME_MODELS = Path("~/.aws/models")
_RELATIVE = FILE.relative_to(MODELS)


@dataclass(frozen=True)
class Installation:
    """What was done with the model: ``installed``, ``updated``, ``unchanged``, ``removed`` or ``absent``, and where it lies."""

    outcome: str
    file: Path

    @property
    def folder(self) -> Path:
        """What AWS_DATA_PATH would have to name."""
        return self.file.parents[2]


def install_client(folder: Path | None = None) -> Installation:
    """Copy the model into a folder of models, ``~/.aws/models`` unless another is named; a second time changes nothing."""
    file = _target(folder)
    existed = file.exists()
    if existed and filecmp.cmp(FILE, file, shallow=False):
        return Installation("unchanged", file)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    shutil.copyfile(FILE, partial)
    partial.replace(file)
    return Installation("updated" if existed else "installed", file)


def remove_client(folder: Path | None = None) -> Installation:
    """Take the model away again, and the folders that it alone was in."""
    file = _target(folder)
    if not file.exists():
        return Installation("absent", file)
    file.unlink()
    for parent in (file.parent, file.parent.parent):
        if any(parent.iterdir()):
            break
        parent.rmdir()
    return Installation("removed", file)


def explain(installation: Installation, endpoint: str = "https://…") -> str:
    """What was done, and what is left to do, for people."""
    said = {
        "installed": f"Installed the lookoutmetrics model: {installation.file}",
        "updated": f"Replaced an older lookoutmetrics model: {installation.file}",
        "unchanged": f"The lookoutmetrics model is in place already: {installation.file}",
        "removed": f"Removed the lookoutmetrics model: {installation.file}",
        "absent": f"There is no lookoutmetrics model to remove: {installation.file}",
    }[installation.outcome]
    if installation.outcome in ("removed", "absent"):
        return said
    lines = [said, "boto3 and the AWS CLI find it after:"]
    if installation.folder != HOME_MODELS.expanduser():
        lines.append(f"  export AWS_DATA_PATH={installation.folder}")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_LOOKOUTMETRICS", endpoint)
    lines.append(f"  export AWS_ENDPOINT_URL_LOOKOUTMETRICS={endpoint}   # output ServiceEndpoint of the service's stack")
    lines.append("Try it: aws lookoutmetrics list-anomaly-detectors")
    return "\n".join(lines)


@click.command(short_help="Give boto3 and the AWS CLI their lookoutmetrics client back.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Folder of models, if not ~/.aws/models.")
@click.option("--endpoint", default="https://…", metavar="URL", help="The service's endpoint, for the explanation.")
@click.option("--remove", is_flag=True, help="Take the client away again.")
def command(folder: Path | None, endpoint: str, remove: bool) -> None:
    """Put the service model of lookoutmetrics where boto3 and the AWS CLI look, and say so; or take it away."""
    click.echo(explain(remove_client(folder) if remove else install_client(folder), endpoint))


def _target(folder: Path | None) -> Path:
    return (folder or HOME_MODELS).expanduser() / _RELATIVE
