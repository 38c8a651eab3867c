"""Make the three tables of data/ from one flat file: hour, airport, airline and three measures in New York's local time."""

import argparse
import csv
import gzip
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent
NEW_YORK = ZoneInfo("America/New_York")
AIRPORTS = {
    "EWR": "Newark Liberty International",
    "JFK": "John F. Kennedy International",
    "LGA": "LaGuardia",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flights", type=Path, default=HERE / "flights.csv.gz", help="default: flights.csv.gz beside this script")
    parser.add_argument("--carriers", type=Path, default=HERE / "carriers.csv", help="default: carriers.csv beside this script")
    parser.add_argument("--out", type=Path, default=HERE / "data", help="default: data beside this script")
    arguments = parser.parse_args()

    with arguments.carriers.open(encoding="utf-8", newline="") as file:
        carriers = {row["carrier"]: row["name"] for row in csv.DictReader(file)}
    with gzip.open(arguments.flights, "rt", encoding="utf-8", newline="") as file:
        rows = sorted(normalise(csv.DictReader(file), list(AIRPORTS), list(carriers)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(arguments.out / "airport.csv", ("id", "code", "name"), numbered(AIRPORTS))
    write(arguments.out / "carrier.csv", ("id", "code", "name"), numbered(carriers))
    write(arguments.out / "flights.csv.gz", ("ts", "origin", "carrier", "flights", "cancelled", "delay_minutes"), rows)


def normalise(rows: Iterable[dict[str, str]], airports: Sequence[str], carriers: Sequence[str]) -> Iterable[tuple[object, ...]]:
    """Rows with ids for codes and UTC for local time; no hour of the file is skipped or doubled by daylight saving."""
    for row in rows:
        measures = (int(row[name]) for name in ("flights", "cancelled", "delay_minutes"))
        yield in_utc(row["timestamp"]), airports.index(row["origin"]) + 1, carriers.index(row["carrier"]) + 1, *measures


@cache
def in_utc(timestamp: str) -> str:
    """An hour of New York's in UTC; a dozen rows have the same."""
    return datetime.fromisoformat(timestamp).replace(tzinfo=NEW_YORK).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def numbered(names: dict[str, str]) -> Iterable[tuple[object, ...]]:
    return ((number, code, name) for number, (code, name) in enumerate(names.items(), start=1))


def write(path: Path, header: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
