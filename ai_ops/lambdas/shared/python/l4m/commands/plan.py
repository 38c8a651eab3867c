"""`l4m plan params.json`: what an apply would create, change and relearn."""

from __future__ import annotations

from pathlib import Path

import click

from l4m.commands import params_file
from l4m.connector.detector import observe
from l4m.connector.plan import needs_replacement, plan


@click.command("plan")
@params_file.argument
def command(file: Path) -> None:
    """Show what a params.json would create, change and relearn; nothing is changed.

    The service is the one that AWS_ENDPOINT_URL_LOOKOUTMETRICS names.
    """
    params = params_file.read(file)
    actual = observe(params_file.service(), params)
    if needs_replacement(params, actual):
        click.echo(f"delete and create detector {params.detector_name} (timezone): learns anew")
        return
    changes = plan(params, None, actual)
    for change in changes:
        click.echo(str(change))
    if not changes:
        click.echo(f"Nothing to do: detector {params.detector_name} is {actual.status} and as described.")
