"""What the demo deploys: the application as it stands, with the sample's own two queries in place of the default ones."""

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlglot

ROOT = Path(__file__).resolve().parents[4]
QUERIES = {"historical-query.sql": "historical-crawl", "continuous-query.sql": "continuous-crawl"}
DIALECTS = {"redshift": "redshift", "postgresql": "postgres"}
OWN_WORDS = re.compile(r"--.*| DISTSTYLE ALL| SORTKEY \(\w+\)|(?<=IDENTITY)\(1, 1\)")  # comments, and what only Redshift understands


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


def schema(sample: Sample) -> list[str]:
    """The sample's tables as any database takes them, one statement each."""
    text = (sample.folder / "schema.sql").read_text(encoding="utf-8")
    return [statement for statement in OWN_WORDS.sub("", text).split(";") if statement.strip()]


def stage(sample: Sample, home: Path, database: str = "redshift") -> Path:
    """Copy the application below ``home`` and lay the sample's queries over it; return the root template."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "ai_ops", home / "ai_ops", ignore=ignored)
    for query, function in QUERIES.items():
        text = (sample.folder / query).read_text(encoding="utf-8")
        if database != "redshift":
            (text,) = sqlglot.transpile(text, read="redshift", write=DIALECTS[database], pretty=True)
            text = re.sub(r"%\((\w+)\)s", r":\1", text)  # named as in all queries, not as in a driver's
        (home / "ai_ops/lambdas" / database / f"{database}-{function}" / "query.sql").write_text(text, encoding="utf-8")
    return Path(shutil.copyfile(ROOT / "template.yaml", home / "template.yaml"))
