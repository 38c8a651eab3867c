#!/usr/bin/env python3
"""Generate the shop's three tables and the list of its anomalies: the same hour has the same numbers, whatever range is asked for."""

import argparse
import csv
import gzip
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from statistics import NormalDist

PLATFORMS = {"pc_web": 1000.0, "mobile_web": 600.0, "mobile_app": 800.0}
MARKETPLACES = {"us": (1.0, -6), "uk": (0.5, 0), "de": (0.6, 1), "fr": (0.4, 1), "es": (0.3, 1), "it": (0.35, 1), "jp": (0.7, 9)}
"""Size beside the us, and hours from UTC to local time, which moves the daily cosine."""

NOISE = NormalDist(1.0, 0.06)
REVENUE_PER_VIEW = NormalDist(0.3, 0.01)
ANOMALY_PROBABILITY = 0.005
ANOMALY_HOURS = 5
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Anomaly:
    """One series multiplied by ``factor`` for ``hours`` from ``start``."""

    start: str
    hours: int
    platform: str
    marketplace: str
    factor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=instant, default="2021-11-01", help="first hour, ISO, UTC (default: %(default)s)")
    parser.add_argument("--end", type=instant, default="2022-02-01", help="hour after the last, ISO, UTC (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("data"))
    arguments = parser.parse_args()
    if not EPOCH <= arguments.start < arguments.end:
        parser.error(f"--start {arguments.start} must lie before --end {arguments.end} and not before {EPOCH}")
    generate(arguments.out, arguments.start, arguments.end, arguments.seed)


def instant(text: str) -> datetime:
    """A whole hour in UTC; a text without an offset is taken as UTC."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def generate(out: Path, start: datetime, end: datetime, seed: int) -> None:
    """Write platform.csv, marketplace.csv and ecommerce.csv.gz into ``out``, and anomalies.csv beside it."""
    out.mkdir(parents=True, exist_ok=True)
    write(out / "platform.csv", ("id", "name"), enumerate(PLATFORMS, start=1))
    write(out / "marketplace.csv", ("id", "name"), enumerate(MARKETPLACES, start=1))
    write(out / "ecommerce.csv.gz", ("id", "ts", "platform", "marketplace", "views", "revenue"), shop(start, end, seed))
    known = [astuple(anomaly) for anomaly in anomalies(start, end, seed)]
    write(out.parent / "anomalies.csv", [field.name for field in fields(Anomaly)], known)


def shop(start: datetime, end: datetime, seed: int) -> Iterator[tuple[object, ...]]:
    """Rows of the table ecommerce, hour by hour; ids count the series and hours since the epoch."""
    series = [(platform, marketplace) for platform in PLATFORMS for marketplace in MARKETPLACES]
    platforms, marketplaces = list(PLATFORMS), list(MARKETPLACES)
    for hour in range(hours_since_epoch(start), hours_since_epoch(end)):
        ts = (EPOCH + hour * HOUR).strftime("%Y-%m-%d %H:%M:%S")
        for number, (platform, marketplace) in enumerate(series, start=1):
            views, revenue = measures(platform, marketplace, hour, seed)
            yield (
                hour * len(series) + number,
                ts,
                platforms.index(platform) + 1,
                marketplaces.index(marketplace) + 1,
                views,
                f"{revenue:.2f}",
            )


def measures(platform: str, marketplace: str, hour: int, seed: int) -> tuple[int, float]:
    """Views and revenue of one series in one hour: size, daily cosine, noise and running anomalies multiplied."""
    size, utc_offset = MARKETPLACES[marketplace]
    daily = 1 + 0.6 * math.cos((hour + utc_offset - 15) * 2 * math.pi / 24)
    begun = ((age, anomaly(platform, marketplace, hour - age, seed)) for age in range(ANOMALY_HOURS))
    factor = math.prod(found.factor for age, found in begun if found and found.hours > age)
    chance = Random(f"{seed} {platform} {marketplace} {hour} noise")
    views = round(PLATFORMS[platform] * size * daily * factor * NOISE.inv_cdf(chance.random()))
    return views, views * REVENUE_PER_VIEW.inv_cdf(chance.random())


@cache
def anomaly(platform: str, marketplace: str, hour: int, seed: int) -> Anomaly | None:
    """The anomaly that begins in this series at this hour, if one does: a drop or a rise of one to five hours."""
    chance = Random(f"{seed} {platform} {marketplace} {hour} anomaly")
    if chance.random() >= ANOMALY_PROBABILITY:
        return None
    hours = 1 + int(chance.random() * ANOMALY_HOURS)
    factor = 0.1 + 0.4 * chance.random() if chance.random() < 0.5 else 1.8 + 1.2 * chance.random()
    return Anomaly((EPOCH + hour * HOUR).strftime("%Y-%m-%d %H:%M:%S"), hours, platform, marketplace, round(factor, 3))


def anomalies(start: datetime, end: datetime, seed: int) -> Iterator[Anomaly]:
    """Every anomaly that touches the range, oldest first."""
    first, last = hours_since_epoch(start), hours_since_epoch(end)
    for hour in range(first - ANOMALY_HOURS + 1, last):
        for platform in PLATFORMS:
            for marketplace in MARKETPLACES:
                found = anomaly(platform, marketplace, hour, seed)
                if found and hour + found.hours > first:
                    yield found


def hours_since_epoch(time: datetime) -> int:
    return (time - EPOCH) // HOUR


def write(path: Path, header: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Write a CSV file whose bytes depend on its rows alone."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0) if path.suffix == ".gz" else data)


if __name__ == "__main__":
    main()
