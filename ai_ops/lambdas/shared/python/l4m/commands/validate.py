"""`l4m validate params.json`: everything that is wrong with the file, without an account."""

from __future__ import annotations

from pathlib import Path

import click

from l4m.commands import params_file
from l4m.connector.params import Params


@click.command("validate")
@params_file.argument
def command(file: Path) -> None:
    """Check a params.json and name everything that is wrong with it.

    The secret and the bucket are checked when the file is uploaded.
    """
    params = params_file.read(file)
    click.echo(f"{file} is good: {describe(params)}")


def describe(params: Params) -> str:
    """One line on what the params watch."""
    measures = ", ".join(measure["MetricName"] for measure in params.measures)
    split = f" by {', '.join(params.dimensions)}" if params.dimensions else ""
    return f"detector {params.detector_name} watches {measures}{split} every {params.frequency}"
