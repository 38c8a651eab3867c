"""Incidents of seeded shops and root-cause tables: what `l4m backtest` and `l4m explain` answer, and how long they take."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import duckdb
import numpy as np
from bench_detection import L4M, LONGEST_SECONDS, measure

from l4m.commands.incident_files import cause_document
from l4m.engine.root_cause.explain import explain
from l4m.sources.tables.cases import read_cases

DAYS = {300: 28, 3600: 70, 86_400: 420}
NAMES = {300: ("PT5M", "5 minutes"), 3600: ("PT1H", "1 hour"), 86_400: ("P1D", "1 day")}


def shops(folder: Path, score: ModuleType, out: Path, seeds: list[int]) -> list[dict]:
    """Incident scores at each interval, averaged over the seeds."""
    rows = []
    for interval in DAYS:
        results = [_shop(folder, score, out, seed, interval) for seed in seeds]
        names = [name for name, value in results[0].items() if isinstance(value, int | float)]
        rows.append({"interval": NAMES[interval][1], **{name: float(np.mean([one[name] for one in results])) for name in names}})
    return rows


def _shop(folder: Path, score: ModuleType, out: Path, seed: int, interval: int) -> dict:
    days = DAYS[interval]
    stem = out / f"shop-{seed}-{interval}"
    if not stem.with_suffix(".truth.json").exists():
        command = [sys.executable, str(folder.parent / "shopsim.py"), str(seed), str(interval), str(days), str(stem)]
        subprocess.run(command, check=True, timeout=LONGEST_SECONDS)
    incidents = out / "incidents.json"
    options = ["--timestamp", "timestamp", "--measures", "views,revenue", "--dimensions", "country,platform,category"]
    seconds = measure([*L4M, "backtest", f"{stem}.parquet", *options, "--interval", NAMES[interval][0], "--incidents", str(incidents)])
    print(f"shop {seed} at {NAMES[interval][1]}: {seconds:.0f} s", file=sys.stderr)
    return score.incidents(str(incidents), f"{stem}.truth.json") | {"seconds": seconds}


def causes(folder: Path, score: ModuleType, out: Path) -> list[dict]:
    """Exactness of root causes on the labelled tables, and seconds per case of the search alone."""
    rows = []
    for name in ("causes_S", "causes_L"):
        table = folder / f"{name}.parquet"
        columns = [row[0] for row in duckdb.connect().execute(f"DESCRIBE SELECT * FROM '{table}'").fetchall()]
        dimensions = [column for column in columns if column not in ("actual", "expected", "case")]
        cases = list(read_cases([table], "actual", "expected", dimensions, "case"))
        begin = time.process_time()
        answers = [(one.name, explain(one.codes, one.values, one.actual, one.expected)) for one in cases]
        spent = (time.process_time() - begin) / len(cases)
        answer = out / f"{name}.json"
        answer.write_text(json.dumps(cause_document(answers)))
        found = score.causes(str(answer), str(folder / f"{name}.csv"))
        rows.append({"set": name, "leaves": int(np.mean([len(one.actual) for one in cases])), "seconds": spent, **found})
    return rows


def opposite(tables: int = 12) -> dict:
    """Exactness on seeded tables where two to four causes, each of one or two dimensions, move in turns up and down."""
    hits = named = true = exact = 0
    spent = []
    for seed in range(tables):
        codes, actual, expected, wanted = _opposite_table(seed)
        values = {f"d{n}": [str(value) for value in range(codes[:, n].max() + 1)] for n in range(codes.shape[1])}
        begin = time.process_time()
        found = {
            frozenset((name, int(value)) for name, value in one.dimensions.items()) for one in explain(codes, values, actual, expected)
        }
        spent.append(time.process_time() - begin)
        hits, named, true, exact = hits + len(found & wanted), named + len(found), true + len(wanted), exact + (found == wanted)
    f1 = 2 * hits / max(1, named + true)
    return {
        "set": "opposite directions (seeded)",
        "leaves": len(codes),
        "f1": f1,
        "exact": exact / tables,
        "seconds": float(np.mean(spent)),
    }


def _opposite_table(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, set]:
    rng = np.random.default_rng(seed)
    sizes = (10, 12, 10, 8)
    codes = np.indices(sizes).reshape(len(sizes), -1).T
    expected = rng.lognormal(4, 1, len(codes))
    actual, wanted = expected * rng.normal(1, 0.08, len(codes)), set()
    free = np.ones(len(codes), bool)
    for number in range(int(rng.integers(2, 5))):
        while True:
            dims = sorted(rng.choice(len(sizes), int(rng.integers(1, 3)), replace=False).tolist())
            place = {d: int(rng.integers(sizes[d])) for d in dims}
            inside = np.all([codes[:, d] == value for d, value in place.items()], axis=0)
            if free[inside].all():
                break
        factor = rng.uniform(0.3, 0.7) if number % 2 else rng.uniform(1.5, 3.0)
        actual[inside], free[inside] = expected[inside] * factor * rng.normal(1, 0.03, inside.sum()), False
        wanted.add(frozenset((f"d{d}", value) for d, value in place.items()))
    return codes, actual, expected, wanted


def big_table(leaves: int = 50_000) -> float:
    """Seconds to explain one table of many leaves and five dimensions."""
    rng = np.random.default_rng(3)
    sizes = (12, 10, 20, 15, 10)
    codes = np.array(np.unravel_index(rng.choice(np.prod(sizes), leaves, replace=False), sizes)).T
    expected = rng.lognormal(4, 1, leaves)
    hit = (codes[:, 0] == 3) & (codes[:, 2] == 7)
    actual = expected * np.where(hit, 0.5, 1) * rng.normal(1, 0.03, leaves)
    values = {f"d{n}": [f"v{value}" for value in range(size)] for n, size in enumerate(sizes)}
    times = []
    for _ in range(5):
        begin = time.process_time()
        causes_found = explain(codes, values, actual, expected)
        times.append(time.process_time() - begin)
    assert causes_found[0].dimensions == {"d0": "v3", "d2": "v7"}, causes_found[:1]
    return float(np.median(times))
