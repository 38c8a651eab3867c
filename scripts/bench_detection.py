"""Detection on labelled series: ours as `l4m backtest` ships it, peers on the same series at the one threshold that suits them best."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import bench_peers
import duckdb
import numpy as np

from l4m.engine.detection.detector import Detector
from l4m.engine.settings import Settings

SETS = {"cloud_1h": "PT1H", "cloud_5min": "PT5M", "kpi_5min": "PT5M"}
WEEKS = 2  # before the scored half begins, and after: what side by side is measured on, for some peers take minutes a series
LONGEST_SECONDS = 7200  # of one command
L4M = [sys.executable, "-m", "l4m.cli"]


def seconds_of(interval: str) -> int:
    """Seconds of an interval of the sets."""
    return {"PT5M": 300, "PT1H": 3_600}[interval]


def run_ours(data: Path, interval: str, out: Path) -> float:
    """Write the points of one data set; return the seconds of CPU that it took."""
    command = [*L4M, "backtest", str(data), "--timestamp", "timestamp", "--measures", "value", "--dimensions", "series"]
    return measure([*command, "--interval", interval, "--rollups", "none", "--points", str(out)])


def measure(command: list[str]) -> float:
    """Run a command; return its seconds of CPU."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LONGEST_SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def whole_sets(folder: Path, score: ModuleType, out: Path) -> list[dict]:
    """The shipped decision on every series of every set."""
    rows = []
    for name, interval in SETS.items():
        points = out / f"{name}.parquet"
        seconds = run_ours(folder / f"{name}.parquet", interval, points)
        found = score.detection(str(points), str(folder / f"{name}_labels.parquet"))
        rows.append({"set": name, "seconds": seconds, "delay": delay_of(score, points, folder / f"{name}_labels.parquet", None), **found})
    return rows


def side_by_side(folder: Path, score: ModuleType, out: Path, series: int) -> list[dict]:
    """Ours and the peers on four weeks of a few series of every set: means of F1, precision, recall and delay, and points a second."""
    bench_peers.silence()
    chosen = {name: choose(folder / f"{name}.parquet", series) for name in SETS}
    rows = [_ours(folder, score, out, chosen)]
    for peer, function in bench_peers.PEERS.items():
        results, seconds, points = [], 0.0, 0
        for name in SETS:
            data, labels = _subset(folder, out, name, chosen[name])
            scores, spent, count = _run_peer(function, data, chosen[name])
            seconds, points = seconds + spent, points + count
            results.append(_score(score, labels, out / "peer.parquet", scores))
            print(f"{peer} on {name}: {spent:.0f} s", file=sys.stderr)
        rows.append({"detector": peer, "points_per_second": points / seconds, **_mean(results)})
    return rows


def choose(data: Path, count: int) -> list[str]:
    """Some series of a set, evenly spread over its names."""
    names = [row[0] for row in duckdb.connect().execute(f"SELECT DISTINCT series FROM '{data}' ORDER BY 1").fetchall()]
    return [names[n] for n in np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))]


def delay_of(score: ModuleType, points: Path, labels: Path, threshold: float | None) -> float:
    """Intervals from an event's begin to its first alarm, over the events that were found."""
    delays = []
    for one in score.load_detection(str(points), str(labels)):
        fired = one["fired"] if threshold is None else one["severity"] >= threshold
        edge = np.diff(np.r_[0, one["label"], 0])
        step = np.median(np.diff(one["t"]))
        k = score.TOLERANCE[min(score.TOLERANCE, key=lambda seconds, step=step: abs(seconds - step))]
        for first, last in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True):
            alarms = np.flatnonzero(fired[first : min(last, first + k + 1)])
            delays += alarms[:1].tolist()
    return float(np.mean(delays)) if delays else float("nan")


def _ours(folder: Path, score: ModuleType, out: Path, chosen: dict[str, list[str]]) -> dict:
    shipped, best, seconds, points = [], [], 0.0, 0
    for name, interval in SETS.items():
        data, labels = _subset(folder, out, name, chosen[name])
        target = out / "ours.parquet"
        run_ours(data, interval, target)
        spent, count = _time_engine(data, seconds_of(interval))
        seconds, points = seconds + spent, points + count
        found = score.detection(str(target), str(labels))
        shipped.append(found["shipped"] | {"delay": delay_of(score, target, labels, None)})
        best.append(found["best_threshold"]["f1"])
    return {"detector": "ours, as shipped", "points_per_second": points / seconds, **_mean(shipped), "best": float(np.mean(best))}


def _time_engine(data: Path, interval: int) -> tuple[float, int]:
    """CPU seconds of the engine alone, in this process as the peers, on the same points, all series at once; and the points it scored.

    The series are from different years: all are moved by whole weeks to where the first begins.
    """
    query = "SELECT epoch(timestamp)::BIGINT AS t, dense_rank() OVER (ORDER BY series) - 1 AS series, value, " + (
        f"min(t) OVER (PARTITION BY series) AS begin FROM '{data}' WHERE value IS NOT NULL"
    )
    times, series, values, begins = duckdb.connect().execute(query).fetchnumpy().values()
    times = times - (begins - times.min()) // bench_peers.WEEK * bench_peers.WEEK
    table = np.full(((times.max() - times.min()) // interval + 1, series.max() + 1), np.nan, np.float32)
    table[(times - times.min()) // interval, series] = values
    detector = Detector(Settings(interval_seconds=interval, measures=()), table.shape[1])
    begin = _cpu()
    scores = detector.run(table, int(times.min()))
    return _cpu() - begin, int(np.isfinite(scores.severity).sum())


def _subset(folder: Path, out: Path, name: str, chosen: list[str]) -> tuple[Path, Path]:
    targets = out / "data.parquet", out / "labels.parquet"
    labels = folder / f"{name}_labels.parquet"
    begins = f"SELECT series, min(timestamp) FILTER (test) AS middle FROM '{labels}' WHERE series IN {(*chosen, '')} GROUP BY 1"
    for source, target in zip((folder / f"{name}.parquet", labels), targets, strict=True):
        near = f"timestamp BETWEEN middle - INTERVAL {WEEKS} WEEKS AND middle + INTERVAL {WEEKS} WEEKS"
        duckdb.connect().execute(f"COPY (SELECT s.* FROM '{source}' s JOIN ({begins}) USING (series) WHERE {near}) TO '{target}'")
    return targets


def _run_peer(function: Callable, data: Path, chosen: list[str]) -> tuple[dict, float, int]:
    scores, spent, points = {}, 0.0, 0
    for name in chosen:
        query = f"SELECT epoch(timestamp)::BIGINT AS t, value FROM '{data}' WHERE series = ? ORDER BY 1"
        rows = duckdb.connect().execute(query, [name]).fetchnumpy()
        times, values = np.asarray(rows["t"]), np.ma.filled(rows["value"].astype(float), np.nan)
        keep = ~np.isnan(values)
        times, values = times[keep], values[keep]
        interval = int(np.median(np.diff(times)))
        begin = _cpu()
        scores[name] = times, values, function((times, values, interval))
        spent += _cpu() - begin
        points += int(np.isfinite(scores[name][2]).sum())
    return scores, spent, points


def _cpu() -> float:
    """Seconds of CPU so far, those of helpers such as Prophet's sampler included."""
    return sum(os.times()[:4])


def _score(score: ModuleType, labels: Path, target: Path, scores: dict) -> dict:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE p (series VARCHAR, t BIGINT, value DOUBLE, severity DOUBLE)")
    for series, (times, values, severity) in scores.items():
        columns = {"t": times, "value": values, "severity": severity}
        connection.register("columns_", columns)
        connection.execute("INSERT INTO p SELECT ?, t, value, severity FROM columns_", [series])
    select = (
        "SELECT series, make_timestamp(t * 1000000) AS timestamp, value, nullif(severity, 'nan') AS severity, false AS is_anomaly FROM p"
    )
    connection.execute(f"COPY ({select}) TO '{target}'")
    best = score.detection(str(target), str(labels))["best_threshold"]
    return best | {"delay": delay_of(score, target, labels, best["threshold"]), "best": best["f1"]}


def _mean(results: list[dict]) -> dict:
    names = ("f1", "precision", "recall", "false_alarms_per_series_week", "delay", "best")
    return {name: float(np.nanmean([one[name] for one in results])) for name in names if name in results[0]}
