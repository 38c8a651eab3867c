"""What validate, plan and apply share: a params.json from a file, and the service that AWS_ENDPOINT_URL_LOOKOUTMETRICS names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from l4m.api.service_model import MODELS
from l4m.connector.params import Params
from l4m.connector.validation import Surroundings, read_params
from l4m.errors import Fault, InvalidInput

ENDPOINT = "AWS_ENDPOINT_URL_LOOKOUTMETRICS"
argument = click.argument("file", metavar="params.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def read(file: Path, surroundings: Surroundings | None = None) -> Params:
    """The file's params; InvalidInput lists everything that is wrong with it."""
    return Params.from_dict(read_params(file.read_bytes(), surroundings or Surroundings()))


def service() -> Any:
    """A client of the service, whatever boto3 is installed."""
    if not os.environ.get(ENDPOINT):
        raise InvalidInput(Fault(ENDPOINT, "is not set: export the stack's output ServiceEndpoint under this name"))
    from loader import Loader  # noqa: PLC0415 - checking a file needs no AWS

    known = os.environ.get("AWS_DATA_PATH")
    os.environ["AWS_DATA_PATH"] = os.pathsep.join([str(MODELS), *([known] if known else [])])
    return Loader().client("lookoutmetrics")
