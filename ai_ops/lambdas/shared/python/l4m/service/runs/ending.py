"""Deactivation and deletion: the schedule stops, and what was kept goes."""

from __future__ import annotations

from l4m.model import DetectorStatus
from l4m.service.context import Context
from l4m.service.runs.detector_job import DetectorJob, prefix_of
from l4m.service.runs.machine import stop_machine
from l4m.service.runs.schedules import start_schedule, stop_schedule
from l4m.store.bucket import Bucket
from l4m.store.parts import ROOT as SHARDS
from l4m.store.table import Key

RUNNING = (DetectorStatus.LEARNING, DetectorStatus.ACTIVE)


def deactivate(context: Context, detector_arn: str, generation: int) -> None:
    """Stop the runs, or the learning; what was learned and found stays until the next learning or the deletion."""
    detector = context.resources.detector(detector_arn)
    if detector.status is DetectorStatus.DEACTIVATING and detector.generation == generation:
        stop_machine(context, detector)
        stop_schedule(context, detector.name)
        bucket = Bucket(context.clients.client("s3"), context.bucket)
        bucket.purge(f"{SHARDS}/{prefix_of(detector.name, generation)}/")  # which a machine that was ended could not clear
        context.resources.move_detector(
            detector_arn, generation, DetectorStatus.INACTIVE, allowed={DetectorStatus.DEACTIVATING}, now=context.now
        )


def delete(context: Context, detector_arn: str) -> None:
    """Remove all that belongs to a detector, and the detector itself last."""
    detector = context.resources.detector(detector_arn)
    if detector.status is not DetectorStatus.DELETING:
        return
    stop_machine(context, detector)
    stop_schedule(context, detector.name)
    bucket = Bucket(context.clients.client("s3"), context.bucket)
    for prefix in (f"{detector.name}/", f"{SHARDS}/{detector.name}/"):
        bucket.purge(prefix)
    for kind in ("run", "execution", "learning", "message", "waiting", "group", "tally"):
        for row in list(context.table.query(f"{detector.name}#{kind}")):
            context.table.delete(Key(row.partition, row.sort))
    context.resources.purge(detector_arn)


def reschedule(context: Context, detector_arn: str) -> None:
    """Bring the schedule of a running detector up to date with its metric set."""
    job = DetectorJob.of(context, detector_arn)
    if job.detector.status in RUNNING:
        start_schedule(job)
