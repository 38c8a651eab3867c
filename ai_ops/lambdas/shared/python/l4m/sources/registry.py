"""Every kind of source of the API by its name on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from l4m.sources.s3 import S3
from l4m.sources.source import Settings, Source
from l4m.sources.stored import CloudWatch, Stored

SOURCES: Mapping[str, type[Source]] = {
    "S3SourceConfig": S3,
    "CloudWatchConfig": CloudWatch,
    "AppFlowConfig": Stored,
    "AthenaSourceConfig": Stored,
    "RDSSourceConfig": Stored,
    "RedshiftSourceConfig": Stored,
}


def find_source(settings: Settings) -> type[Source]:
    """What reads a source; settings without a kind could not be read, which was said by whoever tried."""
    return SOURCES.get(settings.kind, Stored)
