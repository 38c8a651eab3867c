"""`l4m apply params.json`: bring the detector about from here; the data are expected to be where the file says."""

from __future__ import annotations

import time
from pathlib import Path

import click

from l4m.commands import params_file
from l4m.connector.detector import DetectorSetup

LONGEST_WAIT_SECONDS = 15.0


@click.command("apply")
@params_file.argument
@click.option(
    "--wait-seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="First wait between two looks; it doubles."
)
def command(file: Path, wait_seconds: float) -> None:
    """Make detector, metric set and alert what a params.json says, and wait until the detector watches.

    Nothing is crawled: to have the connector crawl too, upload the file to the input bucket.
    """
    setup = DetectorSetup(params_file.service(), params_file.read(file), None)
    progress = setup.advance(activated=False)
    while True:
        for change in progress.changes:
            click.echo(change)
        if progress.is_ready:
            break
        time.sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
        progress = setup.advance(progress.activated)
    click.echo(f"Detector {setup.params.detector_name} is {progress.status} and as described.")
