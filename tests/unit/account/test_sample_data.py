"""The shipped data sets hold what their READMEs say."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlglot

SAMPLES = ("ecommerce", "flights")


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        yield from csv.DictReader(file)


def read(path: Path) -> list[dict[str, str]]:
    return list(rows_of(path))


def text(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="module")
def flights(root: Path) -> list[dict[str, str]]:
    return read(root / "sample_resources/flights/data/flights.csv.gz")


def test_flights_are_complete_and_in_utc(flights, root):
    assert len(flights) == 116_904
    assert len({(row["origin"], row["carrier"]) for row in flights}) == 35
    assert {row["origin"] for row in flights} == {row["id"] for row in read(root / "sample_resources/flights/data/airport.csv")}
    assert {row["carrier"] for row in flights} <= {row["id"] for row in read(root / "sample_resources/flights/data/carrier.csv")}
    assert min(row["ts"] for row in flights) == "2013-01-01 10:00:00"  # five in the morning in New York
    keys = Counter((row["ts"], row["origin"], row["carrier"]) for row in flights)
    assert keys.most_common(1)[0][1] == 1


def test_the_blizzard_cancels_what_the_records_say(flights):
    days: Counter[str] = Counter()
    for row in flights:
        if cancelled := int(row["cancelled"]):
            local = datetime.fromisoformat(row["ts"]).replace(tzinfo=UTC).astimezone(ZoneInfo("America/New_York"))
            days[local.date().isoformat()] += cancelled
    assert days["2013-02-08"] == 472
    assert days["2013-02-09"] == 393
    assert days.most_common(1)[0][0] == "2013-02-08"


def test_the_tables_are_made_of_the_flat_counts(load_script, root, tmp_path, monkeypatch):
    module = load_script("sample_resources/flights/normalise.py")
    monkeypatch.setattr("sys.argv", ["normalise.py", "--out", str(tmp_path)])
    module.main()
    for path in (root / "sample_resources/flights/data").iterdir():
        assert text(tmp_path / path.name) == text(path)


def test_normalising_keeps_the_hour_across_daylight_saving(load_script):
    module = load_script("sample_resources/flights/normalise.py")
    row = {"origin": "JFK", "carrier": "B6", "flights": "3", "cancelled": "1", "delay_minutes": "7"}
    given = [{**row, "timestamp": "2013-03-09 06:00:00"}, {**row, "timestamp": "2013-03-11 06:00:00"}]
    winter, summer = module.normalise(given, ["EWR", "JFK", "LGA"], ["9E", "B6"])
    assert winter == ("2013-03-09 11:00:00", 2, 2, 3, 1, 7)
    assert summer == ("2013-03-11 10:00:00", 2, 2, 3, 1, 7)


def test_the_shop_is_what_the_generator_makes(load_script, root, tmp_path):
    module = load_script("sample_resources/ecommerce/generate.py")
    start, end = datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 1, 3, tzinfo=UTC)
    module.generate(tmp_path / "data", start, end, 7)
    made = read(tmp_path / "data/ecommerce.csv.gz")
    shipped = [row for row in read(root / "sample_resources/ecommerce/data/ecommerce.csv.gz") if "2022-01-01" <= row["ts"] < "2022-01-03"]
    assert made == shipped
    assert len(made) == 48 * 21


def test_known_anomalies_of_the_shop_stand_out(root, load_script):
    module = load_script("sample_resources/ecommerce/generate.py")
    known = read(root / "sample_resources/ecommerce/anomalies.csv")
    assert 150 < len(known) < 350  # 46,368 series-hours at 0.005
    assert {int(row["hours"]) for row in known} == {1, 2, 3, 4, 5}
    row = known[50]
    hour = module.hours_since_epoch(datetime.fromisoformat(row["start"]).replace(tzinfo=UTC))
    views, revenue = module.measures(row["platform"], row["marketplace"], hour, 7)
    usual, _ = module.measures(row["platform"], row["marketplace"], hour - 24, 7)
    assert views / usual == pytest.approx(float(row["factor"]), rel=0.4)
    assert revenue / views == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("sample", SAMPLES)
def test_queries_deliver_the_columns_of_params(root, sample):
    folder = root / "sample_resources" / sample
    params = json.loads((folder / "params.json").read_text())
    columns = {
        params["timestamp_column"]["ColumnName"],
        *params["dimension_list"],
        *(measure["MetricName"] for measure in params["metrics_set"]),
    }
    for file, windows in (("historical-query.sql", {"window_end"}), ("continuous-query.sql", {"window_start", "window_end"})):
        tree = sqlglot.parse_one((folder / file).read_text(), dialect="redshift")
        assert set(tree.named_selects) == columns
        assert {node.name for node in tree.find_all(sqlglot.exp.Placeholder)} == windows


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_table_has_a_file_with_its_columns(root, sample):
    folder = root / "sample_resources" / sample
    tables = {
        tree.this.this.name: {column.name for column in tree.find_all(sqlglot.exp.ColumnDef)}
        for tree in sqlglot.parse((folder / "schema.sql").read_text(), dialect="redshift")
        if tree is not None
    }
    files = {path.name.split(".")[0]: set(next(rows_of(path))) for path in (folder / "data").iterdir()}
    assert files == tables
