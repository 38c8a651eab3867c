"""What the demo deploys: the application as it stands, with the sample's own two queries in place of the default ones."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
QUERIES = {
    "historical-query.sql": "redshift-historical-crawl",
    "continuous-query.sql": "redshift-continuous-crawl",
}


@dataclass(frozen=True)
class Sample:
    """A sample data set and the stretch of time that the demo replays of it."""

    name: str
    replay_start: datetime
    replay_end: datetime
    thresholds: tuple[int, int]

    @property
    def folder(self) -> Path:
        """Where its schema, data, queries and params lie."""
        return ROOT / "sample_resources" / self.name


SAMPLES = {
    "flights": Sample("flights", datetime(2013, 2, 6, 5, tzinfo=UTC), datetime(2013, 2, 11, 5, tzinfo=UTC), (70, 90)),
    "ecommerce": Sample("ecommerce", datetime(2022, 1, 12, tzinfo=UTC), datetime(2022, 1, 17, tzinfo=UTC), (70, 90)),
}


def stage(sample: Sample, home: Path) -> Path:
    """Copy the application below ``home`` and lay the sample's queries over it; return the root template."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "ai_ops", home / "ai_ops", ignore=ignored)
    for query, function in QUERIES.items():
        shutil.copyfile(sample.folder / query, home / "ai_ops" / "lambdas" / "redshift" / function / "query.sql")
    return Path(shutil.copyfile(ROOT / "template.yaml", home / "template.yaml"))
