"""`l4m apply params.json`: bring the detector about from here; the data are expected to be where the file says."""

from __future__ import annotations

import time
from pathlib import Path

import click

from l4m.commands import params_file
from l4m.connector.detector import DetectorSetup
from l4m.connector.machine import DetectorTooSlow

LONGEST_WAIT_SECONDS = 15.0
LONGEST_MINUTES = 240.0  # the connector's state machine is as patient


@click.command("apply")
@params_file.argument
@click.option(
    "--wait-seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="First wait between two looks; it doubles."
)
@click.option(
    "--give-up-minutes", type=click.FloatRange(min=0), default=LONGEST_MINUTES, show_default=True, help="How long to wait altogether."
)
def command(file: Path, wait_seconds: float, give_up_minutes: float) -> None:
    """Make detector, metric set and alert what a params.json says, and wait until the detector watches.

    Nothing is crawled: to have the connector crawl too, upload the file to the input bucket.
    """
    setup = DetectorSetup(params_file.service(), params_file.read(file), None)
    deadline = time.monotonic() + 60 * give_up_minutes
    progress = setup.advance(activated=False)
    while True:
        for change in progress.changes:
            click.echo(change)
        if progress.is_ready:
            break
        if time.monotonic() > deadline:
            name, status = setup.params.detector_name, progress.status
            raise DetectorTooSlow(
                f"detector {name} is {status} after {give_up_minutes:g} minutes; it goes on: apply again to see how it ends"
            )
        time.sleep(wait_seconds)
        wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
        progress = setup.advance(progress.activated)
    click.echo(f"Detector {setup.params.detector_name} is {progress.status} and as described.")
